import { expect, it } from 'vitest'
import { bodyOf, respondingWith } from '../../test/fake-server.ts'

const envelope = {
  'x-oss-meta-client-side-encryption-key': 'a2V5',
  'x-oss-meta-client-side-encryption-start': 'c3RhcnQ=',
  'x-oss-meta-client-side-encryption-cek-alg': 'AES/CTR/NoPadding',
}

it('put sends the given headers and type, and returns status and headers', async () => {
  const { server, transport } = await respondingWith('', {
    ETag: '"E"',
    'x-oss-hash-crc64ecma': '18446744073709551615',
  })
  const headers = {
    ...envelope,
    'x-oss-server-side-encryption': 'AES256',
    'content-type': 'text/x-a',
    'content-md5': 'x',
  }
  const response = await transport.put({ key: 'a b/ä+?.txt', headers, body: bodyOf([Buffer.from('abc')], 3) })
  expect(response).toMatchObject({
    status: 200,
    headers: { etag: '"E"', 'x-oss-hash-crc64ecma': '18446744073709551615' },
  })
  expect(server.seen).toMatchObject([{ method: 'PUT', url: '/my-bucket/a%20b/%C3%A4%2B%3F.txt', headers }])
})

it('a put without a type gets the type of the key’s extension, or none', async () => {
  const { server, transport } = await respondingWith('')
  await transport.put({ key: 'a.html', headers: {}, body: bodyOf([Buffer.from('abc')], 3) })
  await transport.put({ key: 'a', headers: {}, body: bodyOf([Buffer.from('abc')], 3) })
  expect(server.seen.map(({ headers }) => headers['content-type'])).toEqual(['text/html', undefined])
})

it('a put whose callback response is not JSON succeeds, because the object is stored', async () => {
  const { transport } = await respondingWith('not json')
  const headers = { 'x-oss-callback': 'e30=' }
  const put = transport.put({ key: 'a', headers, body: bodyOf([Buffer.from('abc')], 3) })
  const { status, data } = await put
  expect([status, Buffer.from(data ?? []).toString()]).toEqual([200, 'not json'])
})
