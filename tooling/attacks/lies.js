const Z = 65_536
const META = 'x-oss-meta-client-side-encryption-'
const AMOUNTS = [1, -1, 16, -16, Z, -Z, 2 * Z]

/**
 * What a server can do to one answer. `other` is an answer that it could have given: of another object, or of another range.
 *
 * @type {Record<string, (answer: import('./hostile-proxy.js').Answer, other: import('./alterations.js').Stored, random: import('@oss-cse/survival').Random) => import('./hostile-proxy.js').Answer>}
 */
export const LIES = {
  'another total': (answer, _, random) => {
    const by = AMOUNTS[random.integer(0, AMOUNTS.length - 1)]
    return ranged(answer, (first, last, total) => [first, last, total + by])
  },
  'a smaller total': (answer, _, random) =>
    ranged(answer, (first, last, total) => [
      first,
      last,
      random.integer(last + 1, Math.max(last + 1, total)),
    ]),
  'the range ends the object': (answer) => ranged(answer, (first, last) => [first, last, last + 1]),
  'another range': (answer, _, random) => {
    const by = AMOUNTS[random.integer(0, AMOUNTS.length - 1)]
    return ranged(answer, (first, last, total) => [first + by, last + by, total])
  },
  'no range': (answer) => {
    const { 'content-range': _range, ...headers } = answer.headers
    return { ...answer, headers }
  },
  'status 200': (answer) => ({ ...answer, status: 200 }),
  'status 206': (answer) => ({
    ...answer,
    status: 206,
    headers: {
      'content-range': `bytes 0-${answer.body.length - 1}/${answer.body.length}`,
      ...answer.headers,
    },
  }),
  'status 416': (answer) => ({ ...answer, status: 416, body: Buffer.alloc(0) }),
  'status 304': (answer) => ({ ...answer, status: 304, body: Buffer.alloc(0) }),
  'another ETag': (answer) => withHeaders(answer, { etag: '"0123456789ABCDEF0123456789ABCDEF"' }),
  'no ETag': (answer) => {
    const { etag: _etag, ...headers } = answer.headers
    return { ...answer, headers }
  },
  'a bit flipped': (answer, _, random) => {
    const body = Buffer.from(answer.body)
    if (body.length > 0) body[random.integer(0, body.length - 1)] ^= 1 << random.integer(0, 7)
    return { ...answer, body }
  },
  'a shorter body': (answer, _, random) => {
    const body = answer.body.subarray(0, random.integer(0, answer.body.length))
    return { ...answer, body }
  },
  'a shorter body, stated': (answer, _, random) => {
    const body = answer.body.subarray(0, random.integer(0, answer.body.length))
    return ranged({ ...answer, body }, (first, _last, total) => [first, first + body.length - 1, total])
  },
  'a longer body': (answer, other, random) => ({
    ...answer,
    body: Buffer.concat([answer.body, other.bytes.subarray(0, random.integer(1, Z))]),
  }),
  'a broken connection': (answer, _, random) => ({
    ...answer,
    cutAfter: random.integer(0, answer.body.length),
  }),
  'the body of another object': (answer, other) => ({
    ...answer,
    body: Buffer.from(other.bytes.subarray(0, answer.body.length)),
  }),
  'another whole object': (answer, other) => ({
    ...answer,
    headers: { ...answer.headers, ...other.headers },
    body: Buffer.from(other.bytes.subarray(0, answer.body.length)),
  }),
  'the key of another object': (answer, other) =>
    withHeaders(answer, { [`${META}key`]: other.headers[`${META}key`] ?? '' }),
  'AES-CTR': (answer) => withHeaders(answer, { [`${META}cek-alg`]: 'AES/CTR/NoPadding' }),
  'no envelope': (answer) => ({
    ...answer,
    headers: Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !name.startsWith(META))),
  }),
  'an empty body': (answer) => ({ ...answer, body: Buffer.alloc(0) }),
}

function ranged(answer, change) {
  const parts = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.headers['content-range'] ?? '')
  if (parts === null) return answer
  const [first, last, total] = change(...parts.slice(1).map(Number))
  return withHeaders(answer, { 'content-range': `bytes ${first}-${last}/${total}` })
}

function withHeaders(answer, changes) {
  return { ...answer, headers: { ...answer.headers, ...changes } }
}
