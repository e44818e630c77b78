/**
 * What each runtime must be able to do: put, head, get, range, gzip, list, parts, delete, an error, an abort.
 *
 * @returns what was done, in words
 */
export async function smokeCalls(FetchTransport, { accessKeyId, accessKeySecret, ...address }) {
  const transport = new FetchTransport({
    ...address,
    credentials: { getCredential: async () => ({ accessKeyId, accessKeySecret }) },
  })
  const pattern = (sizeBytes, seed) =>
    Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 31 + seed) & 0xff)
  const bodyOf = (bytes) => ({
    sizeBytes: bytes.length,
    async *open() {
      yield bytes
    },
  })
  const read = async (body) => {
    const chunks = []
    for await (const chunk of body) chunks.push(...chunk)
    return chunks.join()
  }
  const check = (condition, what) => {
    if (!condition) throw new Error(`Wrong: ${what}`)
  }
  const bytes = pattern(50_000, 7)
  const key = 'smoke/中文 😀'
  const told = []
  await transport.put({
    key,
    headers: { 'content-type': 'text/plain', 'x-oss-meta-a': 'b' },
    body: bodyOf(bytes),
    onSentBytes: (count) => told.push(count),
  })
  check(told[0] === 0 && told.at(-1) === bytes.length, `the progress ${told}`)
  const head = await transport.head({ key, headers: {} })
  check(head.headers['content-length'] === '50000' && head.headers['x-oss-meta-a'] === 'b', 'the headers')
  const whole = await transport.get({ key, headers: {} })
  check(whole.status === 200 && (await read(whole.body)) === bytes.join(), 'the object')
  const range = await transport.get({ key, headers: { range: 'bytes=16-39' } })
  check(range.status === 206 && (await read(range.body)) === bytes.subarray(16, 40).join(), 'the range')
  await transport.put({ key: 'gzip', headers: { 'content-encoding': 'gzip' }, body: bodyOf(bytes) })
  check(
    (await read((await transport.get({ key: 'gzip', headers: {} })).body)) === bytes.join(),
    'the encoded object',
  )
  await transport.put({ key: 'empty', headers: {}, body: bodyOf(new Uint8Array()) })
  check((await read((await transport.get({ key: 'empty', headers: {} })).body)) === '', 'the empty object')
  const { uploadId } = await transport.initiate({ key: 'big', headers: {} })
  const parts = []
  for (const [partNumber, part] of [
    [1, pattern(102_400, 1)],
    [2, pattern(9, 2)],
  ]) {
    parts.push(
      await transport.uploadPart({ key: 'big', uploadId, partNumber, headers: {}, body: bodyOf(part) }),
    )
  }
  check((await transport.listParts({ key: 'big', uploadId })).parts.length === 2, 'the parts')
  await transport.complete({ key: 'big', uploadId, parts, headers: {} })
  const big = await transport.head({ key: 'big', headers: {} })
  check(big.headers['content-length'] === '102409', 'the joined object')
  const listed = await transport.list({ prefix: 'smoke/' })
  check(listed.objects[0]?.key === key, 'the listing')
  await transport.deleteMany({ keys: [key, 'big', 'gzip', 'empty'] })
  const missing = await transport.get({ key, headers: {} }).catch((error) => error)
  check(missing.code === 'ERR_CSE_NOT_FOUND', `the error ${missing}`)
  const reason = new Error('stop')
  const aborted = await transport
    .get({ key, headers: {}, signal: AbortSignal.abort(reason) })
    .catch((error) => error)
  check(aborted === reason, `the abort ${aborted}`)
  return 'put, head, get, range, encoded, empty, parts, list, delete, error and abort'
}
