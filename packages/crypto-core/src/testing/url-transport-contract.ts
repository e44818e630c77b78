import { CseError } from '../errors.ts'
import { OSS_HEADER_PREFIX } from '../headers.ts'
import type { HeaderMap, UrlTransport } from '../ports.ts'
import { collected, pattern } from './contract-bytes.ts'
import { type ContractCase, expectBytes, expectCode, expectThat, rejection } from './expect.ts'
import { failureRule, type ServiceFailure } from './failure-rule.ts'

/** Options of the contract of transports for presigned URLs. */
export interface UrlTransportContractOptions {
  /** Makes a transport. Its bucket, if it has one, exists and is empty. */
  create(): UrlTransport | Promise<UrlTransport>
  /** Stores an object, without the transport, and signs a GET of it. Called after `create`. The signature is in the query. */
  store(key: string, bytes: Uint8Array, headers: HeaderMap): URL | Promise<URL>
  /** Signs a GET of an object that need not exist. */
  signUrl(key: string): URL | Promise<URL>
  /** Makes the next request fail. Without it, the rule about retryable failures is left out. */
  failNext?(failure: ServiceFailure): void | Promise<void>
}

/**
 * Returns the rules for every transport that has `getByUrl`. They do not depend on a test runner. They need a real or
 * an emulated service behind the URLs.
 *
 * @example
 * ```ts
 * for (const rule of urlTransportContract({ create, store, signUrl })) it(rule.name, rule.run)
 * ```
 */
export function urlTransportContract({
  create,
  store,
  signUrl,
  failNext,
}: UrlTransportContractOptions): readonly ContractCase[] {
  return [
    {
      name: 'returns the stored bytes and headers of a presigned URL, whole and by range',
      async run() {
        const transport = await create()
        for (const size of [0, 1, 300_001]) {
          const bytes = pattern(size)
          const url = await store('url/ä b+c', bytes, { [`${OSS_HEADER_PREFIX}meta-a`]: 'b' })
          const { status, headers, body } = await transport.getByUrl({ url, headers: {} })
          expectThat(status === 200 || status === 206, `the status of ${size} bytes`)
          expectThat(headers[`${OSS_HEADER_PREFIX}meta-a`] === 'b', 'the metadata')
          expectBytes(await collected(body), bytes, `${size} bytes`)
        }
        const url = await store('url', pattern(100), {})
        const part = await transport.getByUrl({ url, headers: { range: 'bytes=16-39' } })
        expectThat(
          part.status === 206 && part.headers['content-range'] === 'bytes 16-39/100',
          'status and Content-Range',
        )
        expectBytes(await collected(part.body), pattern(100).subarray(16, 40), 'the range')
      },
    },
    {
      name: 'returns bytes with Content-Encoding: gzip through a presigned URL as they were stored, or refuses them',
      async run() {
        const transport = await create()
        const url = await store('gzip', pattern(500), { 'content-encoding': 'gzip' })
        let stored: Uint8Array
        try {
          const { body } = await transport.getByUrl({ url, headers: { 'accept-encoding': 'identity' } })
          stored = await collected(body)
        } catch (error) {
          // A browser that cannot decode the body does not show the response.
          expectThat(
            CseError.isInstance(error) &&
              ['ERR_CSE_OPERATION_REFUSED', 'ERR_CSE_NETWORK'].includes(error.code),
            `refused with ${String(error)}`,
          )
          return
        }
        expectBytes(stored, pattern(500), 'the bytes')
      },
    },
    {
      name: 'does not reveal the query of a presigned URL in an error',
      async run() {
        const transport = await create()
        const { search } = await store('query', pattern(10), {})
        expectThat(search.length > 1, 'the signature is in the query of the URL')
        const url = await signUrl('none')
        const missing = await expectCode(
          transport.getByUrl({ url, headers: {} }),
          'ERR_CSE_NOT_FOUND',
          'a missing object',
        )
        expectThat('retryable' in missing && missing.retryable === false, 'not retryable')
        for (let error: unknown = missing; error instanceof Error; error = error.cause) {
          const shown = `${String(error)}${error.stack ?? ''}${JSON.stringify(error)}`
          expectThat(!shown.includes(url.search.slice(1)), 'no text of the error contains the query')
        }
      },
    },
    {
      name: 'rejects an aborted read of a presigned URL with the signal’s reason, before and while reading',
      async run() {
        const transport = await create()
        const reason = new Error('stop')
        const url = await store('abort', pattern(5_000_000), {})
        expectThat(
          (await rejection(
            transport.getByUrl({ url, headers: {}, signal: AbortSignal.abort(reason) }),
            'before',
          )) === reason,
          'aborted before the request',
        )
        const reading = new AbortController()
        const { body } = await transport.getByUrl({ url, headers: {}, signal: reading.signal })
        const consume = async () => {
          for await (const _ of body) reading.abort(reason)
        }
        expectThat((await rejection(consume(), 'while reading')) === reason, 'aborted while reading')
      },
    },
    ...(failNext === undefined
      ? []
      : [
          failureRule(
            'judges a failure of a presigned URL like any other failure',
            async () => {
              const transport = await create()
              const url = await signUrl('failing')
              return () => transport.getByUrl({ url, headers: {} })
            },
            failNext,
          ),
        ]),
  ]
}
