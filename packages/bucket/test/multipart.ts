import { concatBytes, type HeaderMap, TransportError, type UploadedPart } from '@oss-cse/crypto-core'
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

/** SHA-256 in base64, computed by the runtime. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
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
