import type { CryptoOSS } from '../src/crypto-oss.ts'
import { REFUSALS } from '../src/refusal.ts'

/** What becomes of a method of ali-oss: it encrypts and decrypts, it is ali-oss's own, or it is refused. */
type Treatment = 'encrypted' | 'passed through' | 'refused'

/** One row of the table. */
export interface MethodTreatment {
  readonly treatment: Treatment
  /** What holds for the method, beside what its treatment says. */
  readonly notes: readonly string[]
  /** What is different from ali-oss, sentence by sentence. */
  readonly differences: Readonly<Record<string, string>>
}

/** What is different from ali-oss in every method that encrypts. */
export const EVERYWHERE: Readonly<Record<string, string>> = {
  errors:
    'Errors of the service and the network have the names, codes and status of ali-oss, and no `hostId`, `host` and `params`; their messages also name the object. `cause` has the details.',
  local:
    'A file that cannot be written, or a body that cannot be read or was read before, fails with `ERR_CSE_INVALID_ARGUMENT`, a body that gives something else than bytes and text with `ERR_CSE_SOURCE`, and a target stream with the error of its own.',
  tokens:
    'A call waits for a token that is being renewed, and one that the service refuses because its token expired is sent once more with a new one; ali-oss sends what comes meanwhile with the old one.',
  optionsStay: 'Options are never written into, so that they can be used again.',
  timeout: '`timeout` is of silence, and not of the whole: a large transfer that moves is never ended by it.',
  retries:
    'A request that failed by the network or with a status of 500 and more is sent again, up to 3 times unless `retryMax` says otherwise, and each has a count of its own. A stream is sent once.',
  ascii: 'Metadata and other headers must be printable ASCII. Use `encodeURIComponent` for others.',
  keys: 'Names with a `.` or `..` segment are refused: they would arrive as other names.',
  response:
    '`res` has `status`, `statusCode`, `headers`, `size`, `rt`, `requestUrls` and `aborted`. Its ETag and CRC-64 are the ciphertext’s, and it has no Content-MD5.',
  signal: 'Each takes a `signal` that cancels it, and `deadlineMs`, a limit on the whole in milliseconds.',
  subresources: 'Of `subres` they take `versionId` alone, and refuse others.',
  calls:
    'They do not call one another, nor `request`: an app that overrides or watches methods does so with each that it uses.',
}

const UPLOAD_URL = `An upload (PUT, POST) is refused: ${REFUSALS['a presigned upload']}.`

/** Every method of the drop-in but those that ali-oss does not have. */
export type MethodName = Exclude<keyof CryptoOSS, 'getByUrl' | 'getStreamByUrl'>

/** Every public method of ali-oss 6.23, in the order of its prototype. */
export const METHODS: Readonly<Record<MethodName, MethodTreatment>> = {
  getSymlink: passed(),
  putSymlink: passed(
    '`get` and `head` follow the link, in the same bucket. Its own metadata is in plaintext.',
  ),
  getObjectMeta: encrypted(
    {},
    'Plaintext and ciphertext are of the same length. Of a symbolic link it tells of the link.',
  ),
  copy: passed(
    `With changed metadata it is refused: ${REFUSALS['copy with changed metadata']}.`,
    'The copy is read with the same master key; that of a plain object is plain. Of `subres` it takes `versionId` alone.',
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
    meta: '`meta` leaves the envelope out.',
    link: 'Of a symbolic link it tells what its target is; ali-oss tells of the link.',
  }),
  delete: passed(),
  get: encrypted({
    plain: 'A plain object is refused, unless `onPlainObject` is `passthrough`.',
    range:
      'A range that ends behind the object is cut, and one that begins there fails with `InvalidRange`, as in HTTP; ali-oss gets the whole object.',
    process: '`process` is refused.',
    failedFile: 'A failed download leaves the file as it was; ali-oss removes it.',
    decompressed:
      'Content in memory that is stored with a `Content-Encoding` of `gzip` or `deflate` is decompressed up to `maxDecompressedBytes` (default 1 GiB); what becomes longer, or is no such content, fails with `ERR_CSE_DECOMPRESSION`. ali-oss has no limit, and fails with an error that quotes the content.',
    unmodifiedFile: 'An object that is not modified leaves the file as it was; ali-oss empties it.',
  }),
  postAsyncFetch: refused(REFUSALS.postAsyncFetch),
  getAsyncFetch: passed(),
  generateObjectUrl: passed('The URL gives ciphertext.'),
  getObjectUrl: passed('The URL gives ciphertext.'),
  signatureUrl: passed(
    'The URL gives ciphertext, which `getByUrl` and `getStreamByUrl` decrypt.',
    UPLOAD_URL,
  ),
  asyncSignatureUrl: passed('As `signatureUrl`.'),
  signatureUrlV4: passed('As `signatureUrl`.'),
  signPostObjectPolicyV4: refused(REFUSALS['a presigned upload']),
  append: refused(REFUSALS.append),
  put: encrypted(
    {
      bodies: 'Other bytes than a Buffer, a Blob and a Web stream are taken too.',
      failingStream:
        'What a stream failed with is the `cause` of an `ERR_CSE_SOURCE`; in ali-oss it is lost.',
      wrongLength:
        'A stream that does not have its `contentLength` fails with `ERR_CSE_SOURCE`, and nothing is stored.',
      contentMd5:
        'A Content-MD5 is taken for the plaintext’s, and kept in the envelope. The service does not compare it; the CRC-64 of the ciphertext is compared.',
    },
    'Leave a Buffer as it is until the call has ended.',
  ),
  putStream: encrypted({}, 'As `put`.'),
  getStream: encrypted(
    {},
    'As `get`. A stream that nobody reads for the time of `timeout`, at least 30 seconds, lets go of its connection; in ali-oss after 30 seconds.',
  ),
  putMeta: refused(REFUSALS.putMeta),
  list: passed('Sizes are the plaintext’s too; ETags are the ciphertext’s.'),
  listV2: passed('Sizes are the plaintext’s too; ETags are the ciphertext’s.'),
  restore: passed(),
  processObjectSave: refused(REFUSALS.processObjectSave),
  getBucketRequestPayment: passed(),
  putBucketRequestPayment: passed(),
  putBucketEncryption: passed('The encryption of the server, which is another one and may come on top.'),
  getBucketEncryption: passed(),
  deleteBucketEncryption: passed(),
  getBucketTags: passed(),
  putBucketTags: passed(),
  deleteBucketTags: passed(),
  putBucket: passed(),
  getBucketWebsite: passed(),
  putBucketWebsite: passed('The website would show ciphertext.'),
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
  useBucket: passed('What comes after it goes to that bucket; what is under way stays in its own.'),
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
      '`progress` is also called before a part is sent: the checkpoint that it is given then is safe to go on from.',
    changedFile:
      'A checkpoint of a file that changed begins anew, under a new key, and a file that changes during the upload fails it; ali-oss joins the two files.',
    goneUpload: 'A checkpoint of an upload that is gone begins anew; ali-oss fails.',
    content: 'A checkpoint has no content of a Buffer in it. Pass that again.',
    leftovers: 'An upload that fails without `progress` leaves no parts behind.',
    stopped: 'A cancelled or aborted upload ends with an Error; `name` and `status` are those of ali-oss.',
  }),
  putChannel: passed('The service stores the stream itself, in clear.'),
  getChannel: passed(),
  deleteChannel: passed(),
  putChannelStatus: passed(),
  getChannelStatus: passed(),
  listChannels: passed(),
  getChannelHistory: passed(),
  createVod: passed('The service stores the playlist itself, in clear.'),
  getRtmpUrl: passed('The service stores the stream itself, in clear.'),
  uploadPartCopy: refused(REFUSALS.uploadPartCopy),
  multipartUploadCopy: refused(REFUSALS.multipartUploadCopy),
  cancel: encrypted({ one: 'With an argument it stops that upload alone; in ali-oss all of the client.' }),
  isCancel: passed(),
  resetCancelFlag: passed('It resets what `isCancel` says; an upload that was cancelled stays so.'),
  listUploads: passed(),
  listParts: encrypted({ array: '`parts` is always an array, also of one part.' }),
  abortMultipartUpload: encrypted({ one: 'It stops that upload alone; in ali-oss all of the client.' }),
  initMultipartUpload: encrypted({
    sizes: 'It needs `dataSize` and `partSize`, which the service must know beforehand.',
  }),
  uploadPart: encrypted({
    begun: 'It takes uploads alone that this client began by `initMultipartUpload`.',
    length: 'A part must have the planned length.',
    again: 'A number that was sent before takes the same bytes alone.',
  }),
  completeMultipartUpload: encrypted({ list: 'The list must have every part, as `uploadPart` answered it.' }),
  signature: passed(),
  authorization: passed(),
  authorizationV4: passed(),
  request: passed(
    'What is sent and read through it is not encrypted. As every call, it waits for a token that is being renewed, is sent once more when the service refuses an expired one, and fails at a success that is not the service’s: one without a request id, of a listing, a deletion or a copy without its document, or with a document that nests more than 32 elements or uses entities that XML does not define. Listings are one page a call, and what a page says of the next one is handed out as it is: stop where a marker comes again.',
  ),
  checkBrowserAndVersion: passed(),
  parseXML: passed(),
  requestError: passed(),
  setSLDEnabled: passed(),
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
