import {
  type BoundedCallOptions,
  CseError,
  contentFormat,
  decodeEnvelope,
  encodeEnvelope,
  type Keyring,
} from '@oss-cse/crypto-core'
import { checkMetadataSize, planParts } from '@oss-cse/crypto-core/internal'
import {
  commitmentOf,
  generateContentCipher,
  unwrapContentCipher,
  unwrapLocal,
} from '../cipher/content-cipher.ts'
import { aboutObject } from '../policy/about-object.ts'
import type { BucketContext } from '../policy/bucket-context.ts'
import {
  initiateHeaders,
  laterHeaders,
  type ObjectOptions,
  uploadHeaders,
} from '../policy/request-headers.ts'
import { withRetries } from '../policy/retry.ts'
import { contextToOpen, contextToSeal } from '../policy/sealed-context.ts'
import { type LocalKeeping, persistLocally, stateBinding } from './local-keeping.ts'
import { checkedState, type MultipartUploadState } from './multipart-state.ts'
import { abortQuietly, initiateUpload, type MultipartObjectTransport } from './multipart-transport.ts'
import { MultipartUpload } from './multipart-upload.ts'
import { invalidUpload, OpenUpload, type PersistState } from './open-upload.ts'
import { UnverifiedUpload } from './unverified-upload.ts'

/** Options of the initiation of a multipart upload. */
export interface InitiateOptions extends BoundedCallOptions, ObjectOptions {
  /** The object's length in bytes. The service needs it before the first part. */
  readonly sizeBytes: number
  /**
   * The length in bytes of each part except the last: a multiple of 16, at least 100 KiB. There can be at most 10,000
   * parts. Absent: 10 MiB, or more for the largest objects. Of a sealed object: the stored length, a multiple of 64 KiB, at
   * least 128 KiB. `plan` says how much plaintext each part has.
   */
  readonly partSizeBytes?: number | undefined
  /**
   * Called with the upload's state at the start, and before the first byte of each part is sent. To resume the upload
   * in another process, use the last of these states. With an older one, a part whose plaintext changed could be
   * encrypted under a keystream that was used before.
   */
  readonly persist?: PersistState | undefined
  /** The context of a sealed object, see `PutOptions`. */
  readonly context?: string | undefined
}

/**
 * Starts a multipart upload; see `CryptoBucket.initiateMultipartUpload`.
 *
 * @param local - keeps the content key without the master key, in the place of `persist`
 */
export async function initiateMultipartUpload(
  context: BucketContext,
  transport: MultipartObjectTransport,
  key: string,
  options: InitiateOptions,
  local?: LocalKeeping,
): Promise<MultipartUpload> {
  const { sizeBytes, signal } = options
  signal?.throwIfAborted()
  refusePartsUnderV1('initiateMultipartUpload', context.keyring)
  if (sizeBytes === 0) throw invalidUpload(key, 'an empty object has no parts. Use put')
  const { format } = context
  const { partSizeBytes, storedBytes } = planParts(sizeBytes, options.partSizeBytes, format)
  const bound = contextToSeal(context, key, options.context)
  const { headers, contentMd5 } = uploadHeaders(options)
  const { retry, logger } = context
  const attempt = { operation: 'initiate', key, retry, logger, signal } as const
  const extras = {
    unencryptedContentLength: sizeBytes,
    ...(contentMd5 !== undefined && { unencryptedContentMd5: contentMd5 }),
    dataSizeBytes: storedBytes,
    partSizeBytes,
  }
  const object = { location: transport.location, key }
  const { cipher, envelope } = await withRetries(
    () => generateContentCipher(context, object, extras, signal, bound),
    attempt,
  )
  const encoded = encodeEnvelope(envelope)
  const sent = { ...initiateHeaders(headers), ...encoded }
  let initiated: string | undefined
  const initiate = async (): Promise<string> => {
    initiated = await initiateUpload(context, transport, { key, headers: sent, signal })
    return initiated
  }
  try {
    checkMetadataSize(sent)
    const uploadId = await withRetries(initiate, attempt)
    const commitment = commitmentOf(cipher)
    const state: MultipartUploadState = {
      version: commitment === undefined ? 2 : 3,
      ...(commitment !== undefined && { commitment }),
      key,
      uploadId,
      sizeBytes,
      partSizeBytes,
      envelope: encoded,
      headers: laterHeaders(headers),
      partDigests: {},
    }
    const persist = local ? persistLocally(cipher, transport.location, local) : options.persist
    const upload = new MultipartUpload(new OpenUpload(context, transport, cipher, state, persist), {
      parts: new Map(),
    })
    await persist?.(upload.toJSON())
    return upload
  } catch (error) {
    cipher.close()
    if (initiated !== undefined)
      await abortQuietly(context, transport, { key, uploadId: initiated, headers, signal })
    throw aboutObject(error, key)
  }
}

/** Options of resuming a multipart upload. */
export interface ResumeOptions extends BoundedCallOptions {
  /** See `InitiateOptions`. */
  readonly persist?: PersistState | undefined
  /** The context that the upload was started with, see `PutOptions`. */
  readonly context?: string | undefined
}

/**
 * Resumes a multipart upload; see `CryptoBucket.resumeMultipartUpload`.
 *
 * @param local - where the content key was kept without the master key. `wrapped` was saved with this state
 */
export async function resumeMultipartUpload(
  context: BucketContext,
  transport: MultipartObjectTransport,
  state: MultipartUploadState,
  options: ResumeOptions = {},
  local?: LocalKeeping & { readonly wrapped: string },
): Promise<UnverifiedUpload> {
  const checked = checkedState(state)
  const { signal } = options
  const { key } = checked
  signal?.throwIfAborted()
  const format = checked.commitment === undefined ? 'aes-ctr' : 'sealed'
  if (context.format !== format) throw invalidUpload(key, 'its format is not the one that this bucket writes')
  const plan = planParts(checked.sizeBytes, checked.partSizeBytes, format)
  const bound = contextToOpen(context, key, options.context)
  try {
    const envelope = decodeEnvelope(checked.envelope)
    if (
      envelope?.version !== 2 ||
      contentFormat(envelope) !== format ||
      envelope.dataSizeBytes !== plan.storedBytes ||
      envelope.partSizeBytes !== checked.partSizeBytes
    ) {
      throw invalidUpload(key, 'its state contradicts its envelope')
    }
    for (const partNumber of Object.keys(checked.partDigests)) plan.part(Number(partNumber))
    const { location } = transport
    const cipher = local
      ? await unwrapLocal(context, { ...local, boundTo: stateBinding(location, checked) }, format, bound)
      : await unwrapContentCipher(context, envelope, { key, object: { location, key }, signal }, bound)
    const persist = local ? persistLocally(cipher, location, local) : options.persist
    if (commitmentOf(cipher) !== checked.commitment) {
      cipher.close()
      throw invalidUpload(key, 'it was started with another context, or its state is of another upload')
    }
    return new UnverifiedUpload(new OpenUpload(context, transport, cipher, checked, persist))
  } catch (error) {
    throw aboutObject(error, key)
  }
}

/**
 * Refuses an upload that may need parts, whatever its size, under a master key that writes V1 envelopes. V1 has no
 * parts, and a call that works until a file grows would be worse. Called before a content key is made, which would be a
 * request to a key service.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`
 */
export function refusePartsUnderV1(
  operation: 'upload' | 'initiateMultipartUpload',
  { encrypting }: Keyring,
): void {
  if (encrypting.envelopeVersion !== 1) return
  throw new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    `${operation} is not possible under a master key that writes the V1 format: that format has no parts, and no upload can be resumed. Use put, which sends up to 5 GB in one request, or a master key that writes V2.`,
  )
}
