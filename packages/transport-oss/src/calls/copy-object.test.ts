import { expect, it } from 'vitest'
import { rejection, respondingWith } from '../../test/fake-server.ts'

it('copy names its source and sends only the given headers', async () => {
  const { server, transport } = await respondingWith(
    '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>',
    {
      'x-a': 'b',
    },
  )
  const headers = Object.freeze({ 'x-oss-copy-source-if-match': '"e"', 'x-oss-storage-class': 'IA' })
  const response = await transport.copy({
    sourceKey: 'a ä/b',
    sourceBucket: 'other-bucket',
    key: 'c',
    headers,
  })
  expect(response).toMatchObject({ status: 200, headers: { 'x-a': 'b' } })
  const sent = server.seen[0]?.headers ?? {}
  expect(sent).toMatchObject({ ...headers, 'x-oss-copy-source': '/other-bucket/a%20%C3%A4%2Fb' })
  expect(
    Object.keys(sent)
      .filter((name) => name.startsWith('x-oss-copy-source'))
      .sort(),
  ).toEqual(['x-oss-copy-source', 'x-oss-copy-source-if-match'])
  expect(sent['x-oss-metadata-directive']).toBeUndefined()
})

it('copy names the version of its source', async () => {
  const { server, transport } = await respondingWith('<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>')
  for (const sourceVersionId of ['CAEQ1', 'a&b c']) {
    await transport.copy({ sourceKey: 'a', sourceVersionId, key: 'c', headers: {} })
  }
  expect(server.seen.map(({ headers }) => headers['x-oss-copy-source'])).toEqual([
    '/my-bucket/a?versionId=CAEQ1',
    '/my-bucket/a?versionId=a%26b%20c',
  ])
})

it('a copy that would replace the metadata is refused before any request', async () => {
  const { server, transport } = await respondingWith('')
  const copy = transport.copy({ sourceKey: 'a', key: 'b', headers: { 'content-type': 'text/plain' } })
  expect(await rejection(copy)).toMatchObject({ code: 'ERR_CSE_OPERATION_REFUSED', objectKey: 'b' })
  expect(server.seen).toHaveLength(0)
})
