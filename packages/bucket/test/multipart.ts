import {
  type ContentKey,
  concatBytes,
  encodeBase64,
  type HeaderMap,
  TransportError,
  type UploadedPart,
} from '@oss-cse/crypto-core'
import type { MemoryTransport } from '@oss-cse/crypto-core/testing'

/** The smallest part, in bytes. */
export const PART = 102_400

/** A temporary failure. */
export const lost: TransportError = new TransportError('ERR_CSE_NETWORK', 'reset', { retryable: true })
/** A permanent failure. */
export const denied: TransportError = new TransportError('ERR_CSE_ACCESS_DENIED', 'denied', {
  status: 403,
  serviceCode: 'AccessDenied',
  retryable: false,
})

/** One attempt to send a part. */
export interface SentPart {
  readonly partNumber: number
  readonly headers: HeaderMap
  /** What the transport has read of its body. */
  readonly bytes: Uint8Array
}

/** Collects what a transport receives for each part, attempt by attempt. `change` may change or lose a response. */
export function watchParts(
  transport: MemoryTransport,
  change: (part: SentPart, response: UploadedPart) => UploadedPart = (_, response) => response,
): SentPart[] {
  const sent: SentPart[] = []
  const uploadPart = transport.uploadPart.bind(transport)
  transport.uploadPart = async (request) => {
    const { partNumber, headers, body } = request
    const chunks: Uint8Array[] = []
    const part: SentPart = {
      partNumber,
      headers,
      get bytes() {
        return concatBytes(chunks)
      },
    }
    sent.push(part)
    async function* open(): AsyncGenerator<Uint8Array> {
      for await (const chunk of body.open()) {
        chunks.push(Uint8Array.from(chunk))
        yield chunk
      }
    }
    return change(part, await uploadPart({ ...request, body: { ...body, open } }))
  }
  return sent
}

/** The operations that a transport received. */
export function operations(transport: MemoryTransport): string[] {
  return transport.requests.map(({ operation }) => operation)
}

/** The number of uploads of a transport that were neither completed nor aborted. */
export async function pendingUploads(transport: MemoryTransport): Promise<number> {
  return (await transport.listUploads({})).uploads.length
}

/** The keys of an upload's digests, one after another, computed by the runtime. */
export async function digestKeys({ cek, iv }: ContentKey): Promise<Uint8Array<ArrayBuffer>> {
  const { subtle } = crypto
  const ikm = await subtle.importKey('raw', Uint8Array.from(cek), 'HKDF', false, ['deriveBits'])
  const salt = Uint8Array.of(...new TextEncoder().encode('oss-cse part digest v1'), 0, ...iv)
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt, info: new Uint8Array() }
  return new Uint8Array(await subtle.deriveBits(algorithm, ikm, 512))
}

/** The digest of a part in base64, computed by the runtime as FORMAT.md says. */
export async function digestOf(
  contentKey: ContentKey,
  offsetBytes: number,
  ciphertext: Uint8Array,
): Promise<string> {
  const { subtle } = crypto
  const keys = await digestKeys(contentKey)
  const hashKey = await subtle.importKey('raw', keys.slice(0, 32), 'AES-GCM', false, ['encrypt'])
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  const tagKey = await subtle.importKey('raw', keys.slice(32), hmac, false, ['sign'])
  const digests: Uint8Array[] = []
  for (let position = 0; position < ciphertext.length; position += 1024 ** 2) {
    const additionalData = Uint8Array.from(ciphertext.subarray(position, position + 1024 ** 2))
    const iv = new Uint8Array(12)
    new DataView(iv.buffer).setBigUint64(4, BigInt((offsetBytes + position) / 16))
    const gmac = await subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, hashKey, new Uint8Array())
    const message = new DataView(new ArrayBuffer(28))
    message.setBigUint64(0, BigInt(offsetBytes + position))
    message.setUint32(8, additionalData.length)
    new Uint8Array(message.buffer).set(new Uint8Array(gmac), 12)
    digests.push(new Uint8Array(await subtle.sign('HMAC', tagKey, message)).slice(0, 16))
  }
  const digest = await subtle.digest('SHA-256', Uint8Array.from(concatBytes(digests)))
  return encodeBase64(new Uint8Array(digest, 0, 16))
}

/** Lets all code run that waits only for promises. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 500; i++) await Promise.resolve()
}

/** Aborts as the k-th request starts. The request is cancelled, or still gets its response. */
export function abortAt(
  transport: MemoryTransport,
  k: number,
  reason: unknown,
  cancelled: boolean,
): AbortSignal {
  const controller = new AbortController()
  let requests = 0
  transport.intercept = () => {
    requests += 1
    if (requests !== k) return
    controller.abort(reason)
    if (cancelled) throw reason
  }
  return controller.signal
}
