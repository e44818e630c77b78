import type { CryptoOSS } from '../src/crypto-oss.ts'
import { OWN_PARTS_REFUSAL, REFUSALS } from '../src/refusal.ts'

/** How the drop-in treats a method of ali-oss: it encrypts and decrypts, is passed through, or is refused. */
type Treatment = 'encrypted' | 'passed through' | 'refused'

/** One row of the table. */
export interface MethodTreatment {
  readonly treatment: Treatment
  /** Notes about the method. */
  readonly notes: readonly string[]
  /** The differences from ali-oss, one sentence each. */
  readonly differences: Readonly<Record<string, string>>
}

/** The differences from ali-oss in each method that encrypts. */
export const EVERYWHERE: Readonly<Record<string, string>> = {
  errors:
    'Errors of the service and the network have the names, codes and status of ali-oss, but no `hostId`, `host` or `params`. Their messages also name the object, and `cause` has the details.',
  local:
    'A file that cannot be written, and a body that cannot be read or was already read, throw `ERR_CSE_INVALID_ARGUMENT`. A body that yields anything but bytes and text throws `ERR_CSE_SOURCE`. An error of the target stream is thrown as it is.',
  tokens:
    'A call waits while a token is being renewed. If the service rejects a call because its token expired, the call is sent once more with a new token. ali-oss sends calls with the old token while it renews it.',
  optionsStay: 'Options are never modified, so you can reuse them.',
  timeout: '`timeout` is an idle timeout, not a total one. It never ends a transfer that makes progress.',
  retries:
    'A request that fails with a network error or a status of 500 or more is sent again, up to 3 times or `retryMax` times. Each request has its own count. A stream is sent once.',
  ascii: 'Metadata and other headers must be printable ASCII. Use `encodeURIComponent` for other text.',
  keys: 'Names with a `.` or `..` segment are refused, because they would reach the service as other names.',
  response:
    '`res` has `status`, `statusCode`, `headers`, `size`, `rt`, `requestUrls` and `aborted`. Its ETag and CRC-64 are those of the ciphertext. It has no Content-MD5.',
  signal:
    'Each method takes a `signal` that aborts it, and `deadlineMs`, a limit on the whole call in milliseconds.',
  subresources: '`subres` may contain only `versionId`. Anything else is refused.',
  calls:
    'The methods call neither each other nor `request`. An app that overrides or observes methods must do so for each one that it uses.',
}

const UPLOAD_URL = `A URL that uploads (PUT, POST) is refused: ${REFUSALS['a presigned upload']}.`

/** Each method of the drop-in that ali-oss has too. */
export type MethodName = Exclude<keyof CryptoOSS, 'getByUrl' | 'getStreamByUrl'>

/** Each public method of ali-oss 6.23, in the order of its prototype. */
export const METHODS: Readonly<Record<MethodName, MethodTreatment>> = {
  getSymlink: passed(),
  putSymlink: passed(
    '`get` and `head` follow the link within the same bucket. Its own metadata is in plaintext.',
  ),
  getObjectMeta: encrypted(
    {},
    'Sends a HEAD. ali-oss sends one with `?objectMeta`, whose response does not say whether the object is sealed. So `res.headers` has more headers, and may lack what only that response states, such as `x-oss-last-access-time`. For a symbolic link, a second request is that of ali-oss, and the result describes the link.',
  ),
  copy: passed(
    `Refused with changed metadata: ${REFUSALS['copy with changed metadata']}.`,
    'The same master key reads the copy. The copy of a plain object is plain. `subres` may contain only `versionId`.',
  ),
  calculatePostSignature: refused(REFUSALS['a presigned upload']),
  getObjectTagging: passed(),
  putObjectTagging: passed(),
  deleteObjectTagging: passed(),
  getBucketVersions: passed(),
  listObjectVersions: passed(),
  deleteMulti: passed(),
  getACL: passed(),
  putACL: passed('A public object is public as ciphertext.'),
  head: encrypted({
    meta: '`meta` does not contain the envelope.',
    link: 'For a symbolic link, the result describes the target. In ali-oss it describes the link.',
  }),
  delete: passed(),
  get: encrypted({
    plain: 'A plain object is refused, unless `onPlainObject` is `passthrough`.',
    range:
      'A range that ends past the end of the object is cut. A range that begins there throws `InvalidRange`, as in HTTP. ali-oss returns the whole object in both cases.',
    process: '`process` is refused.',
    ranges:
      'A file of more than 16 MiB is read in up to 3 parallel requests, and again from the start if the object is replaced meanwhile. With `parallel: 1`, with a traffic limit, or for a client with `fileWorkers: 0`, it takes one request as in ali-oss.',
    failedFile: 'A failed download leaves the file as it was. ali-oss removes it.',
    decompressed:
      'Without a target file or stream, content with a `Content-Encoding` of `gzip` or `deflate` is decompressed up to `maxDecompressedBytes` (default 1 GiB). Longer or invalid content throws `ERR_CSE_DECOMPRESSION`. ali-oss has no limit, and throws an error that quotes the content.',
    unmodifiedFile:
      'If the object is not modified (status 304), the file stays as it was. ali-oss empties it.',
  }),
  postAsyncFetch: refused(REFUSALS.postAsyncFetch),
  getAsyncFetch: passed(),
  generateObjectUrl: passed('The URL returns ciphertext.'),
  getObjectUrl: passed('The URL returns ciphertext.'),
  signatureUrl: passed('The URL returns ciphertext. `getByUrl` and `getStreamByUrl` decrypt it.', UPLOAD_URL),
  asyncSignatureUrl: passed('As `signatureUrl`.'),
  signatureUrlV4: passed('As `signatureUrl`.'),
  signPostObjectPolicyV4: refused(REFUSALS['a presigned upload']),
  append: refused(REFUSALS.append),
  put: encrypted(
    {
      bodies: 'Also accepts any `Uint8Array`, a Blob and a Web stream.',
      failingStream:
        'If the source stream fails, `put` throws `ERR_CSE_SOURCE` with the error of the stream as its `cause`. ali-oss loses that error.',
      wrongLength:
        'A stream that is shorter or longer than `contentLength` throws `ERR_CSE_SOURCE`, and nothing is stored.',
      contentMd5:
        'A Content-MD5 is that of the plaintext. It is stored in the envelope, and the service does not verify it. The CRC-64 of the ciphertext is verified.',
    },
    'Do not modify a Buffer until the call has ended.',
  ),
  putStream: encrypted({}, 'As `put`.'),
  getStream: encrypted(
    {},
    'As `get`. A stream that nobody reads releases its connection after `timeout`, but not before 30 seconds. In ali-oss it does so after 30 seconds.',
  ),
  putMeta: refused(REFUSALS.putMeta),
  list: passed(
    'Sizes are also those of the plaintext, unless the object is sealed. ETags are those of the ciphertext.',
  ),
  listV2: passed('As `list`.'),
  restore: passed(),
  processObjectSave: refused(REFUSALS.processObjectSave),
  getBucketRequestPayment: passed(),
  putBucketRequestPayment: passed(),
  putBucketEncryption: passed(
    'This is encryption on the server. It is independent of client-side encryption, and you can use both.',
  ),
  getBucketEncryption: passed(),
  deleteBucketEncryption: passed(),
  getBucketTags: passed(),
  putBucketTags: passed(),
  deleteBucketTags: passed(),
  putBucket: passed(),
  getBucketWebsite: passed(),
  putBucketWebsite: passed('The website would serve ciphertext.'),
  deleteBucketWebsite: passed(),
  getBucketLifecycle: passed(),
  putBucketLifecycle: passed(),
  deleteBucketLifecycle: passed(),
  getBucketPolicy: passed(),
  putBucketPolicy: passed(),
  deleteBucketPolicy: passed(),
  getBucketVersioning: passed(),
  putBucketVersioning: passed(),
  getBucketInventory: passed(),
  deleteBucketInventory: passed(),
  listBucketInventory: passed(),
  putBucketInventory: passed(),
  abortBucketWorm: passed(),
  completeBucketWorm: passed(),
  extendBucketWorm: passed(),
  getBucketWorm: passed(),
  initiateBucketWorm: passed(),
  getBucketStat: passed(),
  listBuckets: passed(),
  useBucket: passed('Later calls use that bucket. Calls in progress keep theirs.'),
  setBucket: passed('As `useBucket`.'),
  getBucket: passed(),
  getBucketLocation: passed(),
  getBucketInfo: passed(),
  deleteBucket: passed(),
  putBucketACL: passed(),
  getBucketACL: passed(),
  putBucketLogging: passed(),
  getBucketLogging: passed(),
  deleteBucketLogging: passed(),
  putBucketCORS: passed(),
  getBucketCORS: passed(),
  deleteBucketCORS: passed(),
  putBucketReferer: passed(),
  getBucketReferer: passed(),
  deleteBucketReferer: passed(),
  multipartUpload: encrypted({
    partSize: '`partSize` is rounded up to a multiple of 16.',
    progress:
      '`progress` is also called before a part is sent. It is safe to resume from the checkpoint of that call.',
    changedFile:
      'If the file has changed since the checkpoint, the upload restarts under a new key. If the file changes during the upload, the upload throws. ali-oss stores a mix of the two versions.',
    goneUpload: 'If the upload of a checkpoint no longer exists, it restarts. ali-oss throws.',
    content: 'A checkpoint does not contain the content of a Buffer. Pass the Buffer again.',
    leftovers: 'A failed upload without `progress` leaves no parts behind.',
    stopped: 'A cancelled or aborted upload throws an Error with the `name` and `status` of ali-oss.',
  }),
  putChannel: passed('The service stores the stream itself, in plaintext.'),
  getChannel: passed(),
  deleteChannel: passed(),
  putChannelStatus: passed(),
  getChannelStatus: passed(),
  listChannels: passed(),
  getChannelHistory: passed(),
  createVod: passed('The service stores the playlist itself, in plaintext.'),
  getRtmpUrl: passed('The service stores the stream itself, in plaintext.'),
  uploadPartCopy: refused(REFUSALS.uploadPartCopy),
  multipartUploadCopy: refused(REFUSALS.multipartUploadCopy),
  cancel: encrypted({
    one: 'With an argument, it stops only that upload. ali-oss stops all uploads of the client.',
  }),
  isCancel: passed(),
  resetCancelFlag: passed('Resets what `isCancel` returns. A cancelled upload stays cancelled.'),
  listUploads: passed(),
  listParts: encrypted({ array: '`parts` is always an array, even for one part.' }),
  abortMultipartUpload: encrypted({
    one: 'Stops only that upload. ali-oss stops all uploads of the client.',
  }),
  initMultipartUpload: encrypted({
    sizes: 'Requires `dataSize` and `partSize`, because the service must know both beforehand.',
  }),
  uploadPart: encrypted({
    begun: 'Accepts only uploads that this client started with `initMultipartUpload`.',
    length: 'A part must have the planned length.',
    again: 'A part number that was already sent accepts only the same bytes.',
  }),
  completeMultipartUpload: encrypted({
    list: 'The list must contain every part, as `uploadPart` returned it.',
  }),
  signature: passed(),
  authorization: passed(),
  authorizationV4: passed(),
  request: passed(
    'Neither encrypts nor decrypts. Like every call, it waits while a token is being renewed, and is sent once more when the service rejects an expired token. It throws when a success response is not from the service: when it has no request id, when a listing, a deletion or a copy has no document, or when a document nests more than 32 elements or uses entities that XML does not define. A listing returns one page per call. The marker of the next page is not checked: stop when a marker repeats.',
  ),
  checkBrowserAndVersion: passed(),
  parseXML: passed(),
  requestError: passed(),
  setSLDEnabled: passed(),
}

const STORED_SIZES =
  'Sizes are stored lengths. `plaintextLength` of `@oss-cse/crypto-core` computes that of the plaintext. A listing does not say which objects are sealed; `head` does.'
const OWN_PARTS = `Refused with \`format: 'sealed'\`: ${OWN_PARTS_REFUSAL}.`

/** What each method does with sealed objects, where it differs from what it does with others. */
export const SEALED: Partial<Readonly<Record<MethodName, string>>> = {
  put: 'Seals. The result has a `commitment`. `contentLength` is the length of the plaintext. The size in a callback is the stored length. `context` is an option of the call.',
  putStream: 'As `put`.',
  multipartUpload:
    'Seals. The result has a `commitment`. `partSize` counts stored bytes and is rounded up to a multiple of 64 KiB, at least 128 KiB. A checkpoint resumes an upload only for the same format, context and length. Otherwise the upload restarts under a new key.',
  get: 'Verifies each byte before you get it: content that was altered throws `ERR_CSE_AUTHENTICATION_FAILED`. Lengths and ranges are those of the plaintext. The result has `sealed` and, for a sealed object, `commitment`. `expectCommitment` and `context` are options of the call.',
  getStream: 'As `get`. The stream errors before the first byte that is not authentic.',
  head: '`content-length` is the length of the plaintext, as the service states it: only reading the end of the object verifies it. The result has `sealed`.',
  getObjectMeta: '`content-length` is the length of the plaintext, as in `head`.',
  copy: 'Refused where the `context` of the client differs for the two names, also for an object that is not sealed.',
  putSymlink: 'A link is read in the context of its own name. Pass the `context` of the target.',
  list: STORED_SIZES,
  listV2: 'As `list`.',
  getBucketVersions: 'As `list`.',
  listObjectVersions: 'As `list`.',
  listParts: 'Sizes are stored lengths.',
  getBucketStat: 'Counts stored lengths.',
  signatureUrl:
    'The URL returns the sealed bytes. `getByUrl` and `getStreamByUrl` open them in the context of the name in the URL.',
  asyncSignatureUrl: 'As `signatureUrl`.',
  signatureUrlV4: 'As `signatureUrl`.',
  initMultipartUpload: OWN_PARTS,
  uploadPart: 'As `initMultipartUpload`.',
  completeMultipartUpload: 'As `initMultipartUpload`.',
}

function encrypted(
  differences: MethodTreatment['differences'],
  ...notes: readonly string[]
): MethodTreatment {
  return { treatment: 'encrypted', notes, differences }
}

function passed(...notes: readonly string[]): MethodTreatment {
  return { treatment: 'passed through', notes, differences: {} }
}

function refused(why: string): MethodTreatment {
  return { treatment: 'refused', notes: [sentence(why)], differences: {} }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
