const Z = 65_536
const META = 'x-oss-meta-client-side-encryption-'

/**
 * @typedef {object} Stored - an object as the service has it
 * @property {Uint8Array} bytes
 * @property {Readonly<Record<string, string>>} headers
 */

/**
 * What somebody can do who may write to the bucket. `other` is another sealed object under the same key.
 *
 * @type {Record<string, (stored: Stored, other: Stored, random: import('@oss-cse/survival').Random) => Stored>}
 */
export const ALTERATIONS = {
  'a bit flipped': (stored, _, random) =>
    ofBytes(stored, flipped(stored.bytes, random.integer(0, 8 * stored.bytes.length - 1))),
  'some bytes replaced': (stored, _, random) => {
    const bytes = Uint8Array.from(stored.bytes)
    const at = random.integer(0, bytes.length - 1)
    for (let i = at; i < Math.min(bytes.length, at + random.integer(1, 100_000)); i += 1)
      bytes[i] = random.integer(0, 255)
    return ofBytes(stored, bytes)
  },
  'two segments swapped': (stored, _, random) => {
    const segments = cut(stored.bytes)
    const [a, b] = [random.integer(0, segments.length - 1), random.integer(0, segments.length - 1)]
    ;[segments[a], segments[b]] = [segments[b], segments[a]]
    return ofBytes(stored, joined(segments))
  },
  'a segment repeated': (stored, _, random) => {
    const segments = cut(stored.bytes)
    const at = random.integer(0, segments.length - 1)
    segments.splice(at, 0, segments[at])
    return ofBytes(stored, joined(segments))
  },
  'a segment dropped': (stored, _, random) => {
    const segments = cut(stored.bytes)
    segments.splice(random.integer(0, segments.length - 1), 1)
    return ofBytes(stored, joined(segments))
  },
  'a segment of another object': (stored, other, random) => {
    const [segments, others] = [cut(stored.bytes), cut(other.bytes)]
    segments[random.integer(0, segments.length - 1)] = others[random.integer(0, others.length - 1)]
    return ofBytes(stored, joined(segments))
  },
  'cut at a border': (stored, _, random) =>
    ofBytes(stored, stored.bytes.subarray(0, Z * random.integer(0, Math.floor(stored.bytes.length / Z)))),
  'cut anywhere': (stored, _, random) =>
    ofBytes(stored, stored.bytes.subarray(0, random.integer(0, stored.bytes.length))),
  extended: (stored, other, random) =>
    ofBytes(stored, joined([stored.bytes, other.bytes.subarray(0, random.integer(1, 2 * Z))])),
  'the content of another object': (stored, other) => ofBytes(stored, other.bytes),
  'the wrapped key of another object': (stored, other) => withHeaders(stored, pick(other, `${META}key`)),
  'the wrapped IV of another object': (stored, other) => withHeaders(stored, pick(other, `${META}start`)),
  'the envelope of another object': (stored, other) => ({ ...stored, headers: other.headers }),
  'a wrapped key with a bit flipped': (stored, _, random) => {
    const name = `${META}${random.next() < 0.5 ? 'key' : 'start'}`
    const value = Buffer.from(stored.headers[name] ?? '', 'base64')
    return withHeaders(stored, {
      [name]: Buffer.from(flipped(value, random.integer(0, 8 * value.length - 1))).toString('base64'),
    })
  },
  'declared to be AES-CTR': (stored) => withHeaders(stored, { [`${META}cek-alg`]: 'AES/CTR/NoPadding' }),
  'declared to be AES-CTR, with its length': (stored) =>
    withHeaders(stored, {
      [`${META}cek-alg`]: 'AES/CTR/NoPadding',
      [`${META}unencrypted-content-length`]: String(stored.bytes.length),
    }),
  'another name of the algorithm': (stored) =>
    withHeaders(stored, { [`${META}cek-alg`]: 'aes256_gcm_hkdf_64kb' }),
  'another length recorded': (stored, _, random) =>
    withHeaders(stored, {
      [`${META}unencrypted-content-length`]: String(random.integer(0, 2 * stored.bytes.length)),
    }),
  'the envelope removed': ({ bytes }) => ({ bytes, headers: { 'content-type': 'text/plain' } }),
}

/** An alteration that leaves nothing of the recorded lengths, which would already give it away. */
export function withoutLengths({ bytes, headers }) {
  const { [`${META}unencrypted-content-length`]: _length, [`${META}data-size`]: _data, ...rest } = headers
  return { bytes, headers: rest }
}

export function flipped(bytes, bit) {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3] ^= 1 << (bit & 7)
  return copy
}

function cut(bytes) {
  const segments = []
  for (let at = 0; at < bytes.length; at += Z) segments.push(bytes.subarray(at, at + Z))
  return segments
}

function joined(parts) {
  return new Uint8Array(Buffer.concat(parts))
}

function ofBytes({ headers }, bytes) {
  return { bytes, headers }
}

function withHeaders({ bytes, headers }, changes) {
  return { bytes, headers: { ...headers, ...changes } }
}

function pick({ headers }, name) {
  return { [name]: headers[name] ?? '' }
}
