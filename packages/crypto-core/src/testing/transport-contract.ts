import { combineCrc64, createCrc64 } from '@oss-cse/crc64'
import { concatBytes } from '../bytes.ts'
import { OSS_HEADERS } from '../headers.ts'
import { lastListedName, objectPageProblem, partPageProblem, uploadPageProblem } from '../listing-pages.ts'
import type {
  BucketVersioning,
  ByteChunks,
  MultipartTransport,
  ObjectBody,
  ObjectCatalog,
  ObjectSettings,
  ObjectTransport,
  UrlTransport,
  VersionCatalog,
} from '../ports.ts'
import { bodyOf, collected, envelopeHeaders, multipartHeaders, pattern } from './contract-bytes.ts'
import { type ContractCase, expectBytes, expectCode, expectThat, rejection } from './expect.ts'
import { failureRule, type ServiceFailure } from './failure-rule.ts'
import { settingsRules } from './settings-rules.ts'
import { type UrlTransportContractOptions, urlTransportContract } from './url-transport-contract.ts'
import { versionRules } from './version-rules.ts'
import { workerSideView } from './worker-side-view.ts'

/** Options of the contract of transports. */
export interface TransportContractOptions {
  /** Makes a transport for an existing, empty bucket. */
  create(): TransportUnderTest | Promise<TransportUnderTest>
  /**
   * Makes the next request fail. It applies to the service of the transport that was made last. Without it, the rules
   * about retryable failures are left out.
   */
  failNext?(failure: ServiceFailure): void | Promise<void>
  /** Makes a symbolic link in the bucket. Without it, the rule about links is left out. */
  link?(key: string, targetKey: string): void | Promise<void>
  /** Signs a GET of an object. For transports with `getByUrl`. Without it, the rules about URLs are left out. */
  signUrl?(key: string): URL | Promise<URL>
  /**
   * Changes whether the bucket keeps versions. For transports with `listVersions`. Without it, the rules about versions
   * are left out.
   */
  setVersioning?(versioning: Exclude<BucketVersioning, 'Unversioned'>): void | Promise<void>
  /** True: the rules about ACLs, tags and archived objects are held. For transports with `getObjectAcl`. */
  readonly objectSettings?: boolean | undefined
  /** True: the rules are also held through the transport's `workerSide`. */
  readonly workerSide?: boolean | undefined
}

/** A transport that implements the first three ports, and any of the others. */
export type TransportUnderTest = ObjectTransport &
  MultipartTransport &
  ObjectCatalog &
  Partial<UrlTransport & VersionCatalog & ObjectSettings>

/** Makes a body that tells whether it was read to its end. The end comes late, or fails. */
function endedBody(
  bytes: Uint8Array,
  sizeBytes: number | undefined,
  failure?: Error,
): { readonly body: ObjectBody; ended(): boolean } {
  let ended = false
  const body: ObjectBody = {
    ...(sizeBytes !== undefined && { sizeBytes }),
    async *open() {
      if (bytes.length > 0) yield bytes
      await new Promise((resolve) => setTimeout(resolve, 0))
      if (failure !== undefined) throw failure
      ended = true
    },
  }
  return { body, ended: () => ended }
}

/** Makes a body that overwrites each chunk as soon as it comes back. */
function recycledBody(
  bytes: Uint8Array,
  chunkBytes: number,
): { readonly body: ObjectBody; foreign(): number } {
  const lent = new Set<Uint8Array>()
  let foreign = 0
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
      const chunk = bytes.slice(offset, offset + chunkBytes)
      lent.add(chunk)
      yield chunk
    }
  }
  const recycle = (chunk: Uint8Array): void => {
    if (!lent.delete(chunk)) foreign += 1
    chunk.fill(0xff)
  }
  const open = (): ByteChunks => Object.assign(chunks(), { recycle })
  return { body: { sizeBytes: bytes.length, open }, foreign: () => foreign }
}

function crcOf(bytes: Uint8Array): bigint {
  const crc = createCrc64()
  crc.update(bytes)
  return crc.value()
}

/**
 * Returns the rules for every transport. They do not depend on a test runner. They need a real or an emulated service
 * behind the transport.
 *
 * @example
 * ```ts
 * for (const rule of transportContract({ create })) it(rule.name, rule.run)
 * ```
 */
export function transportContract(options: TransportContractOptions): readonly ContractCase[] {
  const { create, failNext, setVersioning, workerSide = false } = options
  if (!workerSide) return rulesOf(options)
  const byWorkers = rulesOf({
    create: async () => workerSideView(await create()),
    ...(failNext && { failNext }),
    ...(setVersioning && { setVersioning }),
  })
  return [
    ...rulesOf(options),
    ...byWorkers.map(({ name, run }) => ({ name: `by the worker side: ${name}`, run })),
  ]
}

function rulesOf(options: TransportContractOptions): readonly ContractCase[] {
  const { create, failNext, link, signUrl, setVersioning, objectSettings } = options
  const put = async (
    transport: ObjectTransport,
    key: string,
    bytes: Uint8Array,
    headers: Record<string, string> = {},
  ) => transport.put({ key, headers, body: bodyOf([bytes], bytes.length) })

  return [
    {
      name: 'returns an object byte for byte, for any size and chunks, with or without a known length',
      async run() {
        const transport = await create()
        for (const size of [0, 1, 15, 16, 17, 65_536, 300_001]) {
          const bytes = pattern(size)
          for (const known of [true, false]) {
            const half = size >> 1
            const chunks = [bytes.slice(0, half), bytes.slice(half)]
            await transport.put({
              key: 'object',
              headers: {},
              body: bodyOf(chunks, known ? size : undefined),
            })
            const { status, headers, body } = await transport.get({ key: 'object', headers: {} })
            expectThat(
              status === 200 && headers['content-length'] === String(size),
              `status and length of ${size} bytes`,
            )
            expectBytes(await collected(body), bytes, `${size} bytes, length ${known ? 'known' : 'unknown'}`)
          }
        }
      },
    },
    {
      name: 'put, get and head return the CRC-64 of the stored bytes',
      async run() {
        const transport = await create()
        const bytes = pattern(1000)
        const expected = String(crcOf(bytes))
        const stored = await put(transport, 'crc', bytes)
        const read = await transport.get({ key: 'crc', headers: {} })
        await read.body[Symbol.asyncIterator]().return?.()
        const head = await transport.head({ key: 'crc', headers: {} })
        for (const { headers } of [stored, read, head])
          expectThat(headers['x-oss-hash-crc64ecma'] === expected, 'the CRC-64')
      },
    },
    {
      name: 'returns metadata and content headers as they were sent, and does not change the frozen map',
      async run() {
        const transport = await create()
        const headers = Object.freeze({
          'content-type': 'text/x-test',
          'x-oss-meta-a': 'b',
          'x-oss-meta-client-side-encryption-matdesc': '{"a":"1"}',
        })
        await transport.put({
          key: 'meta',
          headers: { ...headers, ...envelopeHeaders },
          body: bodyOf([pattern(3)], 3),
        })
        const response = await transport.head({ key: 'meta', headers: {} })
        for (const [name, value] of Object.entries({ ...headers, ...envelopeHeaders })) {
          expectThat(response.headers[name] === value, `the header ${name}`)
        }
      },
    },
    {
      name: 'returns bytes with Content-Encoding: gzip as they were stored',
      async run() {
        const transport = await create()
        const bytes = pattern(500)
        await put(transport, 'gzip', bytes, { 'content-encoding': 'gzip' })
        expectBytes(
          await collected((await transport.get({ key: 'gzip', headers: {} })).body),
          bytes,
          'the bytes',
        )
      },
    },
    {
      name: 'returns 206 and Content-Range for a range, and rejects a range beyond the end',
      async run() {
        const transport = await create()
        const bytes = pattern(100)
        await put(transport, 'range', bytes)
        const standard = { 'x-oss-range-behavior': 'standard' }
        const part = await transport.get({ key: 'range', headers: { range: 'bytes=16-39', ...standard } })
        expectThat(
          part.status === 206 && part.headers['content-range'] === 'bytes 16-39/100',
          'status and Content-Range',
        )
        expectBytes(await collected(part.body), bytes.subarray(16, 40), 'the range')
        const clipped = await transport.get({ key: 'range', headers: { range: 'bytes=90-200', ...standard } })
        expectBytes(await collected(clipped.body), bytes.subarray(90), 'a range over the end')
        await expectCode(
          transport.get({ key: 'range', headers: { range: 'bytes=100-', ...standard } }),
          'ERR_CSE_RANGE_NOT_SATISFIABLE',
          'a range beyond the end',
        )
      },
    },
    {
      name: 'rejects an If-Match that differs and an If-None-Match that matches, each with its code',
      async run() {
        const transport = await create()
        const { headers } = await put(transport, 'condition', pattern(10))
        const etag = headers['etag'] ?? ''
        await expectCode(
          transport.get({ key: 'condition', headers: { 'if-match': '"0"' } }),
          'ERR_CSE_PRECONDITION_FAILED',
          'a wrong If-Match',
        )
        await expectCode(
          transport.get({ key: 'condition', headers: { 'if-none-match': etag } }),
          'ERR_CSE_NOT_MODIFIED',
          'a right If-None-Match',
        )
      },
    },
    {
      name: 'rejects a missing object with ERR_CSE_NOT_FOUND, not retryable',
      async run() {
        const transport = await create()
        for (const call of [
          () => transport.get({ key: 'none', headers: {} }),
          () => transport.head({ key: 'none', headers: {} }),
        ]) {
          const error = await expectCode(call(), 'ERR_CSE_NOT_FOUND', 'a missing object')
          expectThat('retryable' in error && error.retryable === false, 'not retryable')
        }
      },
    },
    {
      name: 'opens a body once, and calls return on its iterator when it stops early',
      async run() {
        const transport = await create()
        let opened = 0
        let returned = 0
        const body: ObjectBody = {
          sizeBytes: 50_000_000,
          open: () => {
            opened += 1
            return {
              [Symbol.asyncIterator]: () => ({
                next: async () => ({ done: false, value: pattern(1000) }),
                async return() {
                  returned += 1
                  return { done: true, value: undefined }
                },
              }),
            }
          },
        }
        const controller = new AbortController()
        const sent = transport.put({ key: 'given-up', headers: {}, body, signal: controller.signal })
        controller.abort(new Error('stop'))
        await rejection(sent, 'an aborted put')
        expectThat(opened <= 1 && returned === opened, `opened ${opened} times, returned ${returned} times`)
      },
    },
    {
      name: 'rejects with the error of a failed source as the cause, and does not change the object',
      async run() {
        const transport = await create()
        await put(transport, 'kept', pattern(10))
        const broken = new Error('the disk is gone')
        const body: ObjectBody = {
          sizeBytes: 100_000,
          async *open() {
            yield pattern(50_000)
            throw broken
          },
        }
        const error = await expectCode(
          transport.put({ key: 'kept', headers: {}, body }),
          'ERR_CSE_SOURCE',
          'a broken source',
        )
        expectThat(error.cause === broken, 'the cause is the source’s error')
        expectBytes(
          await collected((await transport.get({ key: 'kept', headers: {} })).body),
          pattern(10),
          'the old object',
        )
      },
    },
    {
      name: 'reads the body of an upload to its end before it reports success; a source that fails there does not change the object',
      async run() {
        const transport = await create()
        const failed = new Error('the checksum of the source is wrong')
        for (const sizeBytes of [0, 1, 300_000, undefined]) {
          const bytes = pattern(sizeBytes ?? 300_000)
          const read = endedBody(bytes, sizeBytes)
          await transport.put({ key: 'ended', headers: {}, body: read.body })
          expectThat(read.ended(), `a put of ${sizeBytes ?? 'unknown'} bytes reads to the end`)
          const body = endedBody(pattern(sizeBytes ?? 10), sizeBytes, failed).body
          const error = await expectCode(
            transport.put({ key: 'ended', headers: {}, body }),
            'ERR_CSE_SOURCE',
            'a source that fails at its end',
          )
          expectThat(error.cause === failed, 'the cause is the source’s error')
          const { body: stored } = await transport.get({ key: 'ended', headers: {} })
          expectBytes(await collected(stored), bytes, 'the old object')
        }
        const headers = { ...envelopeHeaders, ...multipartHeaders(102_400, 102_400) }
        const { uploadId } = await transport.initiate({ key: 'ended', headers })
        const read = endedBody(pattern(102_400), 102_400)
        const part = { key: 'ended', uploadId, partNumber: 1, headers }
        await transport.uploadPart({ ...part, body: read.body })
        expectThat(read.ended(), 'the upload of a part reads to the end')
        const body = endedBody(pattern(102_400).fill(0), 102_400, failed).body
        await expectCode(transport.uploadPart({ ...part, body }), 'ERR_CSE_SOURCE', 'a part')
        const { parts } = await transport.listParts({ key: 'ended', uploadId })
        expectThat(parts[0]?.crc64 === crcOf(pattern(102_400)), 'the old part')
      },
    },
    {
      name: 'gives back only chunks that it was given, and does not read them afterwards',
      async run() {
        const transport = await create()
        // A part size must be a multiple of 16.
        const sizeBytes = 400_016
        for (const chunkBytes of [1000, 70_000, sizeBytes]) {
          const { body, foreign } = recycledBody(pattern(sizeBytes), chunkBytes)
          await transport.put({ key: 'recycled', headers: {}, body })
          expectThat(foreign() === 0, 'each chunk that comes back was returned by the body')
          const { body: stored } = await transport.get({ key: 'recycled', headers: {} })
          expectBytes(await collected(stored), pattern(sizeBytes), `the object, in chunks of ${chunkBytes}`)
        }
        const headers = { ...envelopeHeaders, ...multipartHeaders(sizeBytes, sizeBytes) }
        const { uploadId } = await transport.initiate({ key: 'recycled', headers })
        const { body } = recycledBody(pattern(sizeBytes), 70_000)
        await transport.uploadPart({ key: 'recycled', uploadId, partNumber: 1, headers, body })
        const { parts } = await transport.listParts({ key: 'recycled', uploadId })
        expectThat(parts[0]?.crc64 === crcOf(pattern(sizeBytes)), 'the part')
      },
    },
    {
      name: 'lets a reader give back the chunks of a body, and still returns the object afterwards',
      async run() {
        const transport = await create()
        const bytes = pattern(300_001)
        await put(transport, 'given-back', bytes)
        for (let read = 0; read < 2; read++) {
          const { body } = await transport.get({ key: 'given-back', headers: {} })
          const chunks: Uint8Array[] = []
          for await (const chunk of body) {
            chunks.push(Uint8Array.from(chunk))
            body.recycle?.(chunk)
          }
          expectBytes(concatBytes(chunks), bytes, `read ${read + 1}`)
        }
      },
    },
    {
      name: 'rejects a source of the wrong length, or of something other than bytes, with ERR_CSE_SOURCE, and does not change the object',
      async run() {
        const transport = await create()
        await put(transport, 'size', pattern(10))
        for (const size of [0, 19_999, 20_001]) {
          await expectCode(
            transport.put({ key: 'size', headers: {}, body: bodyOf([pattern(20_000)], size) }),
            'ERR_CSE_SOURCE',
            `a source of 20000 bytes that said ${size}`,
          )
        }
        for (const chunk of ['text', { a: 1 }, null, 5]) {
          const chunks = [pattern(10), chunk] as Uint8Array[]
          await expectCode(
            transport.put({ key: 'size', headers: {}, body: bodyOf(chunks) }),
            'ERR_CSE_SOURCE',
            `a source that yields ${typeof chunk}`,
          )
        }
        expectBytes(
          await collected((await transport.get({ key: 'size', headers: {} })).body),
          pattern(10),
          'the old object',
        )
      },
    },
    {
      name: 'counts sent bytes from 0, before it opens the body, up to all of them, if it counts them',
      async run() {
        const transport = await create()
        for (const sizeBytes of [0, 1, 300_000]) {
          const told: (number | 'opened')[] = []
          const body: ObjectBody = {
            sizeBytes,
            async *open() {
              told.push('opened')
              yield pattern(sizeBytes)
            },
          }
          await transport.put({ key: 'sent', headers: {}, body, onSentBytes: (sent) => told.push(sent) })
          const counts = told.filter((entry) => entry !== 'opened')
          if (counts.length === 0) return
          expectThat(told[0] === 0, 'it starts with 0, before the body is opened')
          expectThat(counts.at(-1) === sizeBytes, 'it ends with all bytes')
          expectThat(
            counts.every((count, index) => index === 0 || count >= (counts[index - 1] ?? 0)),
            'it never decreases',
          )
        }
      },
    },
    {
      name: 'continues an upload when its progress listener throws',
      async run() {
        const transport = await create()
        const onSentBytes = (): never => {
          throw new Error('display')
        }
        const body = bodyOf([pattern(300_000)], 300_000)
        await transport.put({ key: 'told', headers: {}, body, onSentBytes })
        expectBytes(
          await collected((await transport.get({ key: 'told', headers: {} })).body),
          pattern(300_000),
          'the object',
        )
      },
    },
    {
      name: 'rejects an aborted call with the signal’s reason: before the request, while sending and while reading',
      async run() {
        const transport = await create()
        const reason = new Error('stop')
        await put(transport, 'abort', pattern(400_000))
        expectThat(
          (await rejection(
            transport.get({ key: 'abort', headers: {}, signal: AbortSignal.abort(reason) }),
            'before',
          )) === reason,
          'aborted before the request',
        )
        const sending = new AbortController()
        const body: ObjectBody = {
          sizeBytes: 200_000,
          async *open() {
            yield pattern(100_000)
            sending.abort(reason)
            yield pattern(100_000)
          },
        }
        expectThat(
          (await rejection(
            transport.put({ key: 'abort', headers: {}, body, signal: sending.signal }),
            'while sending',
          )) === reason,
          'aborted while sending',
        )
        const reading = new AbortController()
        const response = await transport.get({ key: 'abort', headers: {}, signal: reading.signal })
        const consume = async () => {
          for await (const _ of response.body) reading.abort(reason)
        }
        expectThat((await rejection(consume(), 'while reading')) === reason, 'aborted while reading')
      },
    },
    {
      name: 'stores keys of every legal kind separately',
      async run() {
        const transport = await create()
        const keys = ['a', 'a b', 'a+b', 'a%2Fb', 'a/b', 'a//b', 'ä/中文/😀', 'q?x=1&y=2#z', "!'()*~;:@=$,"]
        for (const [index, key] of keys.entries()) await put(transport, key, Uint8Array.of(index))
        for (const [index, key] of keys.entries()) {
          const bytes = await collected((await transport.get({ key, headers: {} })).body)
          expectBytes(bytes, Uint8Array.of(index), `the key ${key}`)
        }
        const listed = await transport.list({ maxKeys: 1000 })
        expectThat(
          keys.every((key) => listed.objects.some((object) => object.key === key)),
          'the listing names each key',
        )
      },
    },
    {
      name: 'lists in pages, by prefix and delimiter, with sizes and dates',
      async run() {
        const transport = await create()
        for (const key of ['l/1', 'l/2', 'l/3', 'l/sub/4', 'm']) await put(transport, key, pattern(5))
        const first = await transport.list({ prefix: 'l/', delimiter: '/', maxKeys: 2 })
        expectThat(
          first.objects.map((o) => o.key).join() === 'l/1,l/2' && first.nextContinuationToken !== undefined,
          'page one',
        )
        const rest = await transport.list({
          prefix: 'l/',
          delimiter: '/',
          maxKeys: 2,
          ...(first.nextContinuationToken !== undefined && {
            continuationToken: first.nextContinuationToken,
          }),
        })
        expectThat(
          rest.objects.map((o) => o.key).join() === 'l/3' && rest.prefixes.join() === 'l/sub/',
          'page two',
        )
        expectThat(rest.nextContinuationToken === undefined, 'the last page has no token')
        expectThat(
          first.objects[0]?.sizeBytes === 5 && first.objects[0].lastModified instanceof Date,
          'size and date',
        )
        const single = await transport.list({ prefix: 'm' })
        expectThat(single.objects.length === 1 && single.prefixes.length === 0, 'a listing of one')
        const none = await transport.list({ prefix: 'nothing' })
        expectThat(none.objects.length === 0, 'an empty listing')
      },
    },
    {
      name: 'lists page by page, in byte order, to the end',
      async run() {
        const transport = await create()
        const keys = ['o/a', 'o/b', 'o/z', 'o/\u00e9', 'o/\uff61', 'o/\u{1f600}']
        for (const key of [...keys].reverse()) await put(transport, key, pattern(1))
        const listed: string[] = []
        let token: string | undefined
        let after: string | undefined
        do {
          const page = await transport.list({ prefix: 'o/', maxKeys: 1, continuationToken: token })
          const problem = objectPageProblem(page, { maxKeys: 1, after, continuationToken: token })
          expectThat(problem === undefined, `a page that can be followed: ${problem}`)
          for (const { key } of page.objects) listed.push(key)
          after = lastListedName(page, after)
          token = page.nextContinuationToken
        } while (token !== undefined && listed.length <= keys.length)
        expectThat(listed.join() === keys.join(), 'each key once, in byte order')
      },
    },
    {
      name: 'deletes idempotently, one object or many',
      async run() {
        const transport = await create()
        for (const key of ['d1', 'd<2>&', 'd3']) await put(transport, key, pattern(1))
        await transport.delete({ key: 'd1' })
        await transport.delete({ key: 'd1' })
        const deleted = await transport.deleteMany({ keys: ['d<2>&', 'd3'] })
        expectThat([...deleted].sort().join() === 'd3,d<2>&', 'the deleted keys, each once, and no other')
        expectThat((await transport.list({})).objects.length === 0, 'nothing is left')
      },
    },
    {
      name: 'keeps bytes and metadata in a copy on the server',
      async run() {
        const transport = await create()
        await put(transport, 'from here', pattern(40), { 'x-oss-meta-a': 'b', ...envelopeHeaders })
        await transport.copy({ sourceKey: 'from here', key: 'to/there', headers: {} })
        const { headers, body } = await transport.get({ key: 'to/there', headers: {} })
        expectBytes(await collected(body), pattern(40), 'the copy')
        for (const [name, value] of Object.entries({ 'x-oss-meta-a': 'b', ...envelopeHeaders })) {
          expectThat(headers[name] === value, `the header ${name}`)
        }
      },
    },
    {
      name: 'copies only a source with the ETag of x-oss-copy-source-if-match',
      async run() {
        const transport = await create()
        const { headers } = await put(transport, 'compared', pattern(10))
        const copy = (etag: string) =>
          transport.copy({
            sourceKey: 'compared',
            key: 'copied',
            headers: { [OSS_HEADERS.copySourceIfMatch]: etag },
          })
        await expectCode(copy('"0"'), 'ERR_CSE_PRECONDITION_FAILED', 'a wrong ETag')
        await expectCode(transport.head({ key: 'copied', headers: {} }), 'ERR_CSE_NOT_FOUND', 'no copy')
        await copy(headers['etag'] ?? '')
        await transport.head({ key: 'copied', headers: {} })
      },
    },
    {
      name: 'overwrites nothing with x-oss-forbid-overwrite: neither by a put, nor by a copy, nor by a completion',
      async run() {
        const transport = await create()
        const forbid = { [OSS_HEADERS.forbidOverwrite]: 'true' }
        await put(transport, 'first', pattern(10), forbid)
        const headers = { ...forbid, ...envelopeHeaders, ...multipartHeaders(9, 102_400) }
        const { uploadId } = await transport.initiate({ key: 'late', headers })
        const part = { key: 'late', uploadId, partNumber: 1, headers }
        const parts = [await transport.uploadPart({ ...part, body: bodyOf([pattern(9)], 9) })]
        await put(transport, 'late', pattern(10))
        for (const [what, call] of [
          ['a put', () => put(transport, 'first', pattern(9), forbid)],
          ['a copy', () => transport.copy({ sourceKey: 'late', key: 'first', headers: forbid })],
          ['a completion', () => transport.complete({ key: 'late', uploadId, parts, headers: forbid })],
        ] as const) {
          const error = await expectCode(call(), 'ERR_CSE_PRECONDITION_FAILED', what)
          expectThat('serviceCode' in error && error.serviceCode === 'FileAlreadyExists', `${what}: its code`)
        }
        for (const key of ['first', 'late']) {
          const { body } = await transport.get({ key, headers: {} })
          expectBytes(await collected(body), pattern(10), `the object ${key}`)
        }
      },
    },
    {
      name: 'joins the parts of a multipart upload, sent in any order, and returns their CRC-64',
      async run() {
        const transport = await create()
        const bytes = pattern(250_000)
        const partSize = 102_400
        const headers = { ...envelopeHeaders, ...multipartHeaders(bytes.length, partSize) }
        const { uploadId } = await transport.initiate({ key: 'multi', headers })
        const parts = []
        for (const partNumber of [3, 1, 2]) {
          const slice = bytes.subarray((partNumber - 1) * partSize, partNumber * partSize)
          const part = await transport.uploadPart({
            key: 'multi',
            uploadId,
            partNumber,
            headers,
            body: bodyOf([slice], slice.length),
          })
          expectThat(part.crc64 === crcOf(slice), 'the CRC-64 of a part')
          parts.push(part)
        }
        const listed = await transport.listParts({ key: 'multi', uploadId })
        expectThat(listed.parts.map((part) => part.partNumber).join() === '1,2,3', 'the parts are listed')
        expectThat(partPageProblem(listed, { after: 0 }) === undefined, 'the parts can be used')
        const pending = await transport.listUploads({ prefix: 'mul' })
        expectThat(
          pending.uploads.some((upload) => upload.uploadId === uploadId && upload.key === 'multi'),
          'the upload is listed',
        )
        expectThat(uploadPageProblem(pending, {}) === undefined, 'the uploads can be used')
        parts.sort((a, b) => a.partNumber - b.partNumber)
        const done = await transport.complete({ key: 'multi', uploadId, parts, headers: {} })
        const combined = listed.parts.reduce(
          (crc, part) => combineCrc64(crc, part.crc64 ?? 0n, part.sizeBytes ?? 0),
          0n,
        )
        expectThat(done.headers['x-oss-hash-crc64ecma'] === String(combined), 'the CRC-64 of the whole')
        expectBytes(
          await collected((await transport.get({ key: 'multi', headers: {} })).body),
          bytes,
          'the joined object',
        )
      },
    },
    {
      name: 'removes an aborted multipart upload, and no other',
      async run() {
        const transport = await create()
        const headers = { ...envelopeHeaders, ...multipartHeaders(10, 102_400) }
        const [gone, kept] = [
          await transport.initiate({ key: 'x', headers }),
          await transport.initiate({ key: 'x', headers }),
        ]
        await transport.abort({ key: 'x', uploadId: gone.uploadId })
        await expectCode(
          transport.listParts({ key: 'x', uploadId: gone.uploadId }),
          'ERR_CSE_NOT_FOUND',
          'the aborted upload',
        )
        const body = bodyOf([pattern(10)], 10)
        const part = await transport.uploadPart({
          key: 'x',
          uploadId: kept.uploadId,
          partNumber: 1,
          headers,
          body,
        })
        const listed = await transport.listParts({ key: 'x', uploadId: kept.uploadId })
        expectThat(listed.parts.length === 1, 'a single part is listed')
        await transport.complete({ key: 'x', uploadId: kept.uploadId, parts: [part], headers: {} })
      },
    },
    ...(failNext === undefined ? [] : [failureRule(FAILURE_RULE, getOf(create), failNext)]),
    ...(link === undefined ? [] : [linkRule(create, link)]),
    ...(signUrl === undefined ? [] : urlTransportContract(urlsOf(create, signUrl, failNext))),
    ...(setVersioning === undefined ? [] : versionRules(create, setVersioning)),
    ...(objectSettings === true ? settingsRules(create) : []),
  ]
}

const FAILURE_RULE =
  'judges a failure like judgeFailure: the service’s own code takes precedence over the status'

function getOf(create: TransportContractOptions['create']): () => Promise<() => Promise<unknown>> {
  return async () => {
    const transport = await create()
    return () => transport.get({ key: 'failing', headers: {} })
  }
}

/** Returns the options of the URL contract for a transport that also stores the objects. */
function urlsOf(
  create: TransportContractOptions['create'],
  signUrl: NonNullable<TransportContractOptions['signUrl']>,
  failNext: TransportContractOptions['failNext'],
): UrlTransportContractOptions {
  let transport: TransportUnderTest | undefined
  return {
    async create() {
      transport = await create()
      const { getByUrl } = transport
      expectThat(getByUrl !== undefined, 'a transport whose URLs are signed has getByUrl')
      return { getByUrl: getByUrl.bind(transport) }
    },
    async store(key, bytes, headers) {
      await transport?.put({ key, headers, body: bodyOf([bytes], bytes.length) })
      return signUrl(key)
    },
    signUrl,
    ...(failNext && { failNext }),
  }
}

function linkRule(
  create: TransportContractOptions['create'],
  link: NonNullable<TransportContractOptions['link']>,
): ContractCase {
  return {
    name: 'returns the headers of a symbolic link as those of a link, and its target from getSymlink',
    async run() {
      const transport = await create()
      const body = bodyOf([pattern(40)], 40)
      await transport.put({ key: 'target of/a link+ä', headers: { ...envelopeHeaders }, body })
      await link('link', 'target of/a link+ä')
      const { headers } = await transport.head({ key: 'link', headers: {} })
      expectThat(headers['x-oss-object-type'] === 'Symlink', 'the object type')
      for (const name of Object.keys(envelopeHeaders)) expectThat(!(name in headers), `no header ${name}`)
      const response = await transport.getSymlink?.({ key: 'link', headers: {} })
      expectThat(response?.targetKey === 'target of/a link+ä', 'the target')
    },
  }
}
