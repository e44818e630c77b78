import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEnvelope } from './envelope-codec.ts'
import { EXPOSE_HEADERS, EXPOSED_HEADERS } from './exposed-headers.ts'
import { OSS_HEADERS, V1_HEADERS, V2_HEADERS } from './headers.ts'
import { hiddenReadHeaders } from './hidden-headers.ts'
import type { HeaderMap } from './ports.ts'
import { SEALED_CEK_ALGORITHM } from './segment-plan.ts'

const WRAPPED = 'd3JhcHBlZA=='
const PLAIN = {
  etag: '"e"',
  [OSS_HEADERS.crc64]: '1',
  [OSS_HEADERS.requestId]: '6556E3AED11E553933CCDEDF',
  [OSS_HEADERS.objectType]: 'Normal',
}
const V2 = {
  ...PLAIN,
  [V2_HEADERS.wrappedCek]: WRAPPED,
  [V2_HEADERS.wrappedIv]: WRAPPED,
  [V2_HEADERS.cekAlgorithm]: 'AES/CTR/NoPadding',
  [V2_HEADERS.wrapAlgorithm]: 'RSA/NONE/PKCS1Padding',
}
const V1 = {
  ...PLAIN,
  [V1_HEADERS.wrappedCek]: WRAPPED,
  [V1_HEADERS.wrappedStart]: WRAPPED,
  [V1_HEADERS.cekAlgorithm]: 'AES/GCM/NoPadding',
  [V1_HEADERS.wrapAlgorithm]: 'rsa',
  [V1_HEADERS.materialDescription]: '{"a":"b"}',
}
const OBJECTS: readonly HeaderMap[] = [
  PLAIN,
  V2,
  { ...V2, [V2_HEADERS.materialDescription]: '{"a":"b"}', [V2_HEADERS.partSize]: '1048576' },
  { ...V2, [V2_HEADERS.cekAlgorithm]: SEALED_CEK_ALGORITHM, [V2_HEADERS.dataSize]: '12' },
  V1,
]
const LINK = { ...PLAIN, [OSS_HEADERS.objectType]: 'Symlink' }
const DECIDING = [OSS_HEADERS.objectType, ...Object.values(V2_HEADERS), ...Object.values(V1_HEADERS)]
const VERIFYING = ['etag', OSS_HEADERS.crc64, 'content-encoding']
const ALL = [EXPOSE_HEADERS, OSS_HEADERS.requestId, ...VERIFYING, ...DECIDING]

/** What a page sees of a response under a CORS rule that exposes some headers. */
function seen(headers: HeaderMap, exposed: readonly string[]): HeaderMap {
  const sent = { ...headers, [EXPOSE_HEADERS]: exposed.join(', ') }
  const visible = Object.entries(sent).filter(([name]) => exposed.includes(name))
  // Each page can read the length, without a rule.
  return { ...Object.fromEntries(visible), 'content-length': '12' }
}

test('whatever a rule exposes, a page that is certain sees an encrypted object as encrypted and a plain one as plain', () => {
  const object = fc.constantFrom(...OBJECTS)
  fc.assert(
    fc.property(object, fc.subarray(ALL), (headers, exposed) => {
      const view = seen(headers, exposed)
      if (hiddenReadHeaders(view).length > 0) return
      expect(decodeEnvelope(view) === undefined).toBe(decodeEnvelope(headers) === undefined)
    }),
    { numRuns: 2000 },
  )
})

test('a page that sees the list of exposed headers and is certain sees the whole envelope', () => {
  for (const headers of OBJECTS) {
    for (const left of [undefined, ...ALL]) {
      const exposed = ALL.filter((name) => name !== left)
      const view = seen(headers, exposed)
      const hidden = hiddenReadHeaders(view)
      if (left === undefined || left === OSS_HEADERS.requestId) expect(hidden).toEqual([])
      else if (left !== EXPOSE_HEADERS) expect(hidden).toEqual([left])
      if (hidden.length === 0) expect(decodeEnvelope(view)).toEqual(decodeEnvelope(headers))
    }
  }
})

test('whatever a rule exposes, a page that reads has the ETag, and misses no checksum that the list says is hidden', () => {
  fc.assert(
    fc.property(fc.constantFrom(...OBJECTS), fc.subarray(ALL), (headers, exposed) => {
      const view = seen(headers, exposed)
      if (hiddenReadHeaders(view).length > 0) return
      expect(view['etag']).toBe(headers['etag'])
      if (exposed.includes(EXPOSE_HEADERS)) {
        expect(view[OSS_HEADERS.crc64]).toBe(headers[OSS_HEADERS.crc64])
      }
    }),
    { numRuns: 2000 },
  )
})

test('what the service itself leaves out is not hidden', () => {
  const { [OSS_HEADERS.crc64]: _checksum, ...unchecked } = V2
  const { etag: _etag, ...compressed } = unchecked
  const rules = [ALL, ALL.filter((name) => name !== EXPOSE_HEADERS)]
  for (const exposed of rules) {
    expect(hiddenReadHeaders(seen(unchecked, exposed))).toEqual([])
    const { 'content-length': _length, ...view } = seen(compressed, exposed)
    expect(hiddenReadHeaders(view)).toEqual([])
  }
})

test('without that list, a checksum that is missing may not exist, and an ETag exists for certain', () => {
  const exposed = ALL.filter((name) => name !== EXPOSE_HEADERS)
  const without = (left: string) =>
    seen(
      V2,
      exposed.filter((name) => name !== left),
    )
  expect(hiddenReadHeaders(without(OSS_HEADERS.crc64))).toEqual([])
  expect(hiddenReadHeaders(without('etag'))).toEqual(['etag'])
})

test('without that list, a plain object proves nothing, and a complete envelope proves itself', () => {
  const exposed = ALL.filter((name) => name !== EXPOSE_HEADERS)
  expect(hiddenReadHeaders(seen(PLAIN, exposed))).toEqual([EXPOSE_HEADERS, ...DECIDING])
  for (const headers of [V2, V1]) expect(hiddenReadHeaders(seen(headers, exposed))).toEqual([])
})

test.each([V2_HEADERS.wrappedCek, V2_HEADERS.wrappedIv, V2_HEADERS.cekAlgorithm, V2_HEADERS.wrapAlgorithm])(
  'without that list, an envelope without %s is hidden in part, and not damaged',
  (name) => {
    const exposed = ALL.filter((other) => other !== EXPOSE_HEADERS && other !== name)
    expect(hiddenReadHeaders(seen(V2, exposed))).toEqual([name])
  },
)

test('a link needs no envelope, but a page must see that it is one', () => {
  expect(hiddenReadHeaders(seen(LINK, ['etag', OSS_HEADERS.objectType]))).toEqual([])
  expect(hiddenReadHeaders(seen(LINK, [OSS_HEADERS.requestId]))).toContain(OSS_HEADERS.objectType)
})

test('the list of the service has any case and white space', () => {
  const list = EXPOSED_HEADERS.map((name) => name.toUpperCase()).join(' ,')
  expect(hiddenReadHeaders({ ...PLAIN, [EXPOSE_HEADERS]: list })).toEqual([])
})

test('the headers that a page needs include all that decide', () => {
  expect(EXPOSED_HEADERS).toEqual(expect.arrayContaining(ALL))
})
