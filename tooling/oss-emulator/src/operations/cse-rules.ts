import { invalidEncryptionRequest } from '../protocol/error-catalog.ts'

/**
 * Switches for rules on which the documentation, the SDK tests and the service's error texts disagree. The defaults are
 * what working SDKs need.
 */
export interface CseSwitches {
  /**
   * Refuse an UploadPart without encryption headers, as the error pages say. Default `false`: the Java and C++ SDKs
   * send none.
   */
  readonly strictUploadPartHeaders?: boolean
  /** Require `data-size` and `part-size` in InitiateMultipartUpload. Default `true`. */
  readonly requirePartSizes?: boolean
  /** Require a `part-size` that is a multiple of 16. Default `true`. */
  readonly requireAlignedPartSize?: boolean
  /** Refuse to complete an upload with missing parts, not only one with too many. Default `true`. */
  readonly refuseMissingParts?: boolean
  /**
   * Let CopyObject keep the envelope of an encrypted object and replace its other metadata. Default `true`. `false`
   * refuses each replacement with EC 0005-00000421.
   */
  readonly copyReplaceKeepsEnvelope?: boolean
}

const PREFIX = 'x-oss-meta-client-side-encryption-'
const KEY = `${PREFIX}key`
const START = `${PREFIX}start`
const CEK_ALG = `${PREFIX}cek-alg`
const WRAP_ALG = `${PREFIX}wrap-alg`
const MAGIC_HMAC = `${PREFIX}magic-number-hmac`
const DATA_SIZE = `${PREFIX}data-size`
const PART_SIZE = `${PREFIX}part-size`
/** Headers that mark a request as encrypted. A material description alone does not. */
const TRIGGERS: readonly string[] = [KEY, START, CEK_ALG, WRAP_ALG, MAGIC_HMAC, DATA_SIZE, PART_SIZE]
const MAX_PARTS = 10_000
const BLOCK_BYTES = 16

const MISSING = 'Miss some necessary client encryption meta parameters.'
const INVALID_SIZE = 'The client encryption meta data_size or part_size is invalid.'
const INCONSISTENT = 'The client encryption meta is inconsistent with init_multipart setted.'

type Headers = Readonly<Record<string, string>>
type Switches = Required<CseSwitches>

/** Whether headers, of a request or stored, are those of a client-side-encrypted object. */
function isEncrypted(headers: Headers): boolean {
  return TRIGGERS.some((field) => headers[field] !== undefined)
}

/** The headers of the envelope, the material description included. */
function envelopeOf(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith(PREFIX)))
}

/** The elements of a ListParts response that describe an encrypted upload. */
export function envelopeElements(headers: Headers): Record<string, string> {
  const elements: Record<string, string> = {}
  const names: readonly (readonly [string, string])[] = [
    ['ClientEncryptionKey', KEY],
    ['ClientEncryptionStart', START],
    ['ClientEncryptionCekAlg', CEK_ALG],
    ['ClientEncryptionWrapAlg', WRAP_ALG],
    ['ClientEncryptionDataSize', DATA_SIZE],
    ['ClientEncryptionPartSize', PART_SIZE],
  ]
  for (const [child, field] of names) {
    const value = headers[field]
    if (value !== undefined) elements[child] = value
  }
  return elements
}

/** PutObject: the envelope must be complete or absent. */
export function checkPutEnvelope(headers: Headers): void {
  if (!isEncrypted(headers)) return
  const required: readonly (readonly [string, string])[] = [
    [KEY, '0005-00000401'],
    [START, '0005-00000402'],
    [CEK_ALG, '0005-00000403'],
    [WRAP_ALG, '0005-00000404'],
  ]
  for (const [field, ec] of required) {
    if (headers[field] === undefined) throw invalidEncryptionRequest(MISSING, ec)
  }
  // Only for the literal value `rsa`. No SDK writes it, and the values of the SDKs pass without the header.
  if (headers[WRAP_ALG] === 'rsa' && headers[MAGIC_HMAC] === undefined) {
    throw invalidEncryptionRequest(MISSING, '0005-00000405')
  }
}

/** InitiateMultipartUpload: the envelope must be complete and its sizes valid. */
export function checkInitiateEnvelope(headers: Headers, switches: Switches): void {
  if (!isEncrypted(headers)) return
  checkPutEnvelope(headers)
  checkSizes(headers, switches)
}

function checkSizes(headers: Headers, switches: Switches): void {
  const dataSize = headers[DATA_SIZE]
  const partSize = headers[PART_SIZE]
  if (!switches.requirePartSizes && (dataSize === undefined || partSize === undefined)) return
  if (dataSize === undefined) throw invalidEncryptionRequest(MISSING, '0005-00000406')
  if (partSize === undefined) throw invalidEncryptionRequest(MISSING, '0005-00000407')
  const dataBytes = positiveInteger(dataSize)
  const partBytes = positiveInteger(partSize)
  if (dataBytes === undefined) throw invalidEncryptionRequest(INVALID_SIZE, '0005-00000408')
  if (partBytes === undefined || (switches.requireAlignedPartSize && partBytes % BLOCK_BYTES !== 0)) {
    throw invalidEncryptionRequest(INVALID_SIZE, '0005-00000409')
  }
  if (Math.ceil(dataBytes / partBytes) > MAX_PARTS) {
    throw invalidEncryptionRequest(
      'The parts count calculated by client encryption meta is too large.',
      '0005-00000410',
    )
  }
}

/** UploadPart: the encryption headers must be those of the Initiate or absent. */
export function checkPartEnvelope(headers: Headers, initiated: Headers, switches: Switches): void {
  if (!isEncrypted(initiated)) return
  if (!isEncrypted(headers) && !switches.strictUploadPartHeaders) return
  if (!isEncrypted(headers)) throw invalidEncryptionRequest(MISSING, '0005-00000401')
  checkPutEnvelope(headers)
  checkSizes(headers, switches)
  const compared: readonly (readonly [string, string])[] = [
    [KEY, '0005-00000412'],
    [START, '0005-00000413'],
    [CEK_ALG, '0005-00000414'],
    [WRAP_ALG, '0005-00000415'],
    [MAGIC_HMAC, '0005-00000416'],
    [DATA_SIZE, '0005-00000417'],
    [PART_SIZE, '0005-00000418'],
  ]
  for (const [field, ec] of compared) {
    if (field === MAGIC_HMAC && initiated[WRAP_ALG] !== 'rsa') continue
    if (headers[field] !== initiated[field]) throw invalidEncryptionRequest(INCONSISTENT, ec)
  }
}

/** UploadPart: the number must not exceed the count that the Initiate announced. */
export function checkPartNumber(partNumber: number, initiated: Headers): void {
  const plan = partPlan(initiated)
  if (plan !== undefined && partNumber > plan.count) {
    throw invalidEncryptionRequest('The partId must less or equal to expectedPartNumber.')
  }
}

/** UploadPart: the body must have the length that the Initiate announced for this part. */
export function checkPartSize(partNumber: number, sizeBytes: number, initiated: Headers): void {
  const plan = partPlan(initiated)
  if (plan === undefined) return
  if (partNumber < plan.count && sizeBytes !== plan.partBytes) {
    throw invalidEncryptionRequest(
      'The partSize must same with init_multipart setted except last part.',
      '0005-00000419',
    )
  }
  if (partNumber === plan.count && sizeBytes !== plan.dataBytes - (plan.count - 1) * plan.partBytes) {
    throw invalidEncryptionRequest('The last partSize must same with init_multipart setted.', '0005-00000420')
  }
}

/** CompleteMultipartUpload: the number of parts must be the announced one. */
export function checkPartCount(
  count: number,
  request: Headers,
  initiated: Headers,
  switches: Switches,
): void {
  const plan = partPlan(initiated)
  if (plan === undefined) return
  if (request[DATA_SIZE] !== undefined && positiveInteger(request[DATA_SIZE]) === undefined) {
    throw invalidEncryptionRequest(INVALID_SIZE, '0005-00000408')
  }
  if (request[PART_SIZE] !== undefined && positiveInteger(request[PART_SIZE]) === undefined) {
    throw invalidEncryptionRequest(INVALID_SIZE, '0005-00000409')
  }
  if (count > plan.count || (switches.refuseMissingParts && count < plan.count)) {
    throw invalidEncryptionRequest(
      'The client encryption part list is unexpected with init_multipart setted.',
      '0005-00000411',
    )
  }
}

/**
 * The headers of a copy whose metadata is replaced (CopyObject).
 *
 * @param requested - the metadata of the request
 * @param source - the metadata of the source
 */
export function replacedCopyHeaders(requested: Headers, source: Headers, switches: Switches): Headers {
  if (!isEncrypted(source)) {
    checkPutEnvelope(requested)
    return requested
  }
  if (Object.keys(envelopeOf(requested)).length > 0 || !switches.copyReplaceKeepsEnvelope) {
    throw invalidEncryptionRequest(
      'The parameters of client encryption are allowed to be set once.',
      '0005-00000421',
    )
  }
  return { ...requested, ...envelopeOf(source) }
}

/** UploadPartCopy: neither the source nor the upload may be encrypted. */
export function checkPartCopy(source: Headers, initiated: Headers): void {
  if (isEncrypted(source) || isEncrypted(initiated)) {
    throw invalidEncryptionRequest("Client encryption doesn't support upload part copy.", '0042-00000309')
  }
}

function partPlan(
  initiated: Headers,
): { readonly dataBytes: number; readonly partBytes: number; readonly count: number } | undefined {
  const dataBytes = positiveInteger(initiated[DATA_SIZE])
  const partBytes = positiveInteger(initiated[PART_SIZE])
  if (dataBytes === undefined || partBytes === undefined) return undefined
  return { dataBytes, partBytes, count: Math.ceil(dataBytes / partBytes) }
}

function positiveInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  const number = Number(text)
  return number > 0 && Number.isSafeInteger(number) ? number : undefined
}
