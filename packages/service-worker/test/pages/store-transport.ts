import {
  type GetObjectRequest,
  type GetObjectResponse,
  type HeadObjectResponse,
  type ObjectTransport,
  TransportError,
} from '@oss-cse/crypto-core'

/** Reads the objects of a test's server, in the worker. */
export function storeTransport(base: string): ObjectTransport {
  const send = async (method: string, { key, headers, signal }: GetObjectRequest): Promise<Response> => {
    const response = await fetch(base + encodeURIComponent(key), {
      method,
      headers,
      signal: signal ?? null,
      cache: 'no-store',
    })
    if (response.ok) return response
    const code = (response.headers.get('x-code') ?? 'ERR_CSE_SERVICE') as TransportError['code']
    throw new TransportError(code, key, { status: response.status, retryable: false })
  }
  return {
    location: base,
    put: () => Promise.reject(new Error('not used')),
    async get(request): Promise<GetObjectResponse> {
      const response = await send('GET', request)
      const { body, status } = response
      return { status, headers: Object.fromEntries(response.headers), body: bytesOf(body) }
    },
    async head(request): Promise<HeadObjectResponse> {
      const response = await send('HEAD', request)
      return { status: response.status, headers: Object.fromEntries(response.headers) }
    },
  }
}

async function* bytesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  try {
    for (;;) {
      const result = await reader?.read()
      if (result === undefined || result.done) return
      yield result.value
    }
  } finally {
    await reader?.cancel()
  }
}
