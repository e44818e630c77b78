import {
  type ContentKey,
  CseError,
  type CseErrorCode,
  concatBytes,
  contentFormat,
  decodeBase64,
  decodeEnvelope,
  type Envelope,
  encodeBase64,
  type HeaderMap,
  OSS_HEADERS,
  TransportError,
  wipe,
} from '@oss-cse/crypto-core'
import {
  DerivedKey,
  encodeContext,
  equalBytes,
  formatMaterialDescription,
} from '@oss-cse/crypto-core/internal'
import {
  envelopeDigest,
  type GenerateRequest,
  type KeyFailure,
  type KeyRequest,
  type KeyResult,
  type UnwrapRequest,
} from '../key-protocol.ts'
import type { KeyServerOptions } from './create-key-server.ts'

/** What a key server serves. */
export interface ServedKeys extends Pick<KeyServerOptions, 'keyring' | 'transport' | 'context'> {
  readonly acceptsOnlySealed: boolean
}

/** A key that is not returned: what the page learns, and what the operator learns. */
export interface KeyRefusal {
  readonly failure: KeyFailure
  readonly error: unknown
}

/** The length of the header of a sealed object. */
const SEALED_HEADER_BYTES = 40

type FoundKey = Exclude<KeyResult, { readonly error: KeyFailure }>

/** Returns the key of an object for somebody who may have it. Never rejects. */
export async function keyResult(
  served: ServedKeys,
  request: KeyRequest,
  signal: AbortSignal,
): Promise<FoundKey | KeyRefusal> {
  try {
    return request.operation === 'unwrap'
      ? await unwrapped(served, request, signal)
      : await generated(served, request, signal)
  } catch (error) {
    // What a wrong padding leads to must look like any other refusal. Only a service that is down differs, whatever it was asked.
    const mayHelp = TransportError.isInstance(error) && error.retryable
    return { failure: mayHelp || signal.aborted ? 'unavailable' : 'refused', error }
  }
}

async function unwrapped(
  served: ServedKeys,
  request: UnwrapRequest,
  signal: AbortSignal,
): Promise<FoundKey | KeyRefusal> {
  const { keyring, transport, acceptsOnlySealed, context } = served
  const { key, versionId, keyIdentity } = request
  const { headers, sealedHeader } = await readStored(served, request, signal)
  const envelope = envelopeIn(headers, request)
  if (envelopeDigest(envelope) !== request.envelopeDigest) {
    // Said before the unwrap, and of headers that everybody knows who may read the object.
    const error = problem('ERR_CSE_PRECONDITION_FAILED', key, 'has another envelope than the page saw')
    return { failure: 'changed', error }
  }
  if (acceptsOnlySealed && contentFormat(envelope) !== 'sealed') {
    throw problem('ERR_CSE_NOT_SEALED', key, 'is not sealed')
  }
  const object = { location: transport.location, key, versionId }
  const contentKey = await keyring.unwrapToOpen(envelope, { acceptsOnlySealed, keyIdentity, object, signal })
  try {
    if (context !== undefined && !(await isHeaderOf(contentKey, context(key), sealedHeader))) {
      throw problem('ERR_CSE_AUTHENTICATION_FAILED', key, 'was not sealed under its content key and context')
    }
    return {
      cek: encodeBase64(contentKey.cek),
      iv: encodeBase64(contentKey.iv),
      etag: headers['etag'],
      versionId: headers[OSS_HEADERS.versionId],
    }
  } finally {
    wipe(contentKey.cek, contentKey.iv)
  }
}

async function generated(
  { keyring, transport }: ServedKeys,
  request: GenerateRequest,
  signal: AbortSignal,
): Promise<FoundKey> {
  const { key, iv, wrapAlgorithm, materialDescription, keyIdentity } = request
  const { encrypting } = keyring
  // The page writes the envelope. If it named another key than the one that wraps, nobody could read the object.
  const isExpected =
    encrypting.envelopeVersion !== 1 &&
    encrypting.wrapAlgorithm === wrapAlgorithm &&
    formatMaterialDescription(encrypting.materialDescription) === materialDescription &&
    (keyIdentity === undefined || encrypting.keyIdentity === keyIdentity)
  if (!isExpected) {
    throw problem(
      'ERR_CSE_NO_MATCHING_KEY',
      key,
      'was to be written under another key than the encrypting one of the key server',
    )
  }
  const object = { location: transport.location, key }
  const identified = keyIdentity !== undefined || keyring.hasSealedOnly
  const call = { object, signal, identified }
  const made = await encrypting.generateContentKey(decodeBase64(iv) as Uint8Array, call)
  return { cek: encodeBase64(made.cek), wrappedCek: made.wrappedCek, wrappedIv: made.wrappedIv }
}

/** Reads the headers of an object, and where its context is compared the first bytes too. */
async function readStored(
  { transport, context }: ServedKeys,
  { key, versionId }: UnwrapRequest,
  signal: AbortSignal,
): Promise<{ readonly headers: HeaderMap; readonly sealedHeader: Uint8Array }> {
  if (context === undefined) {
    const { headers } = await transport.head({ key, versionId, headers: {}, signal })
    return { headers, sealedHeader: new Uint8Array() }
  }
  const range = { range: `bytes=0-${SEALED_HEADER_BYTES - 1}`, [OSS_HEADERS.rangeBehavior]: 'standard' }
  const { headers, body } = await transport.get({ key, versionId, headers: range, signal })
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  // Leaving the loop closes the connection.
  for await (const chunk of body) {
    chunks.push(Uint8Array.from(chunk))
    sizeBytes += chunk.length
    if (sizeBytes >= SEALED_HEADER_BYTES) break
  }
  return { headers, sealedHeader: concatBytes(chunks).subarray(0, SEALED_HEADER_BYTES) }
}

function envelopeIn(headers: HeaderMap, { key, versionId }: UnwrapRequest): Envelope {
  // The headers of a link are its own. A page asks for its target.
  if (headers[OSS_HEADERS.objectType] === 'Symlink') {
    throw problem('ERR_CSE_OPERATION_REFUSED', key, 'is a symbolic link')
  }
  if (versionId !== undefined && (headers[OSS_HEADERS.versionId] ?? versionId) !== versionId) {
    throw problem('ERR_CSE_SERVICE', key, 'was returned in another version than the requested one')
  }
  const envelope = decodeEnvelope(headers)
  if (envelope === undefined) throw problem('ERR_CSE_NOT_ENCRYPTED', key, 'is not encrypted')
  return envelope
}

/** Tells whether an object begins as one that was sealed under this key and context. */
async function isHeaderOf(
  contentKey: ContentKey,
  context: string,
  sealedHeader: Uint8Array,
): Promise<boolean> {
  const derived = await DerivedKey.derive(contentKey, encodeContext(context))
  const cipher = derived.use()
  const isEqual = equalBytes(cipher.header, sealedHeader)
  cipher.dispose()
  derived.close()
  return isEqual
}

/** An error for the operator. */
function problem(code: CseErrorCode, objectKey: string, what: string): CseError {
  return new CseError(code, `${objectKey} ${what}.`, { objectKey })
}
