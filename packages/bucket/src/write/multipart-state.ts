import { CseError, decodeBase64, type HeaderMap } from '@oss-cse/crypto-core'
import { DIGEST_BYTES, isEnvelopeHeader } from '@oss-cse/crypto-core/internal'
import * as v from 'valibot'

/**
 * The state of a multipart upload that another process can resume: plain JSON. It contains wrapped keys only, so
 * resuming needs the master key that unwraps them. It selects the key that the remaining parts are encrypted under, and
 * nothing proves who made it: keep it where only you can write.
 */
export interface MultipartUploadState {
  /** 3: the state of a sealed object, which an older program refuses. */
  readonly version: 2 | 3
  readonly key: string
  readonly uploadId: string
  /** The length of the plaintext. */
  readonly sizeBytes: number
  readonly partSizeBytes: number
  /** The commitment of a sealed object: it binds the content key and the context. Absent in version 2. */
  readonly commitment?: string | undefined
  /** The encryption headers of the upload's initiation, which each part repeats. */
  readonly envelope: HeaderMap
  /** Other headers from the caller, for later requests. */
  readonly headers: HeaderMap
  /**
   * For each part of which a byte may have been sent: a digest of its ciphertext, in base64, by part number. Only a part with
   * the same ciphertext may ever be sent under that number. It has 16 bytes, and nobody can compute it without the content key;
   * or 32 bytes of a sealed object, whose tags are in the stored object.
   */
  readonly partDigests: Readonly<Record<string, string>>
}

/** Version 1 had another kind of digests. It is not resumed: nothing tells whether its parts are unchanged. */
const VERSIONS = '2 or 3'
const Headers = v.record(v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/)), v.string())
const Size = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

const Common = {
  key: v.pipe(v.string(), v.nonEmpty()),
  uploadId: v.pipe(v.string(), v.nonEmpty()),
  sizeBytes: Size,
  partSizeBytes: Size,
  envelope: v.pipe(
    Headers,
    v.check((headers) => Object.keys(headers).every(isEnvelopeHeader)),
  ),
  headers: v.pipe(
    Headers,
    v.check((headers) => !Object.keys(headers).some(isEnvelopeHeader)),
  ),
}

function partDigests(sizeBytes: number) {
  const digest = v.pipe(
    v.string(),
    v.check((text) => decodeBase64(text)?.length === sizeBytes),
  )
  return v.record(v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,4}$/)), digest)
}

const State = v.variant('version', [
  v.strictObject({ version: v.literal(2), ...Common, partDigests: partDigests(DIGEST_BYTES) }),
  v.strictObject({
    version: v.literal(3),
    ...Common,
    commitment: v.pipe(v.string(), v.nonEmpty()),
    partDigests: partDigests(2 * DIGEST_BYTES),
  }),
])

/**
 * Checks a state that comes from outside.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when it is invalid.
 */
export function checkedState(value: unknown): MultipartUploadState {
  const result = v.safeParse(State, value)
  if (result.success) return result.output
  const { path, expected, input } = result.issues[0]
  if (path?.[0]?.key === 'version' && typeof input === 'number') {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `Invalid multipart state: version must be ${VERSIONS}. Another version of this library made it: abort the upload, and start another.`,
    )
  }
  const where = path?.map(({ key }) => String(key)).join('.') ?? 'the state'
  const must = expected === null ? 'is not valid' : `must be ${expected}`
  throw new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid multipart state: ${where} ${must}.`)
}
