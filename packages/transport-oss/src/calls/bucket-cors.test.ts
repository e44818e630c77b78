import { expect, it } from 'vitest'
import { errorXml, rejection, respondingWith } from '../../test/fake-server.ts'

const document = (content: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<CORSConfiguration>${content}</CORSConfiguration>`
const FULL = document(
  [
    '<CORSRule><AllowedOrigin>https://app.example</AllowedOrigin><AllowedOrigin>https://a&#38;b.example</AllowedOrigin>',
    '<AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader>',
    '<ExposeHeader>etag</ExposeHeader><ExposeHeader>date</ExposeHeader><MaxAgeSeconds>0</MaxAgeSeconds></CORSRule>',
    '<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule>',
    '<ResponseVary>true</ResponseVary>',
  ].join(''),
)
const CONFIGURATION = {
  rules: [
    {
      allowedOrigins: ['https://app.example', 'https://a&b.example'],
      allowedMethods: ['GET', 'PUT'],
      allowedHeaders: ['*'],
      exposeHeaders: ['etag', 'date'],
      maxAgeSeconds: 0,
    },
    { allowedOrigins: ['*'], allowedMethods: ['HEAD'], allowedHeaders: [], exposeHeaders: [] },
  ],
  responseVary: true,
}

it('the CORS rules are returned as they are stored, and put as they were returned', async () => {
  const { server, bodies, transport } = await respondingWith(FULL)
  expect(await transport.getCors()).toEqual(CONFIGURATION)
  await transport.putCors(CONFIGURATION)
  expect(bodies[1]).toBe(FULL)
  expect(server.seen).toMatchObject([
    { method: 'GET', url: '/my-bucket/?cors=' },
    {
      method: 'PUT',
      url: '/my-bucket/?cors=',
      headers: { 'content-type': 'application/xml', 'content-length': String(FULL.length) },
    },
  ])
})

it('a document may have lines and spaces between and in its elements', async () => {
  const { transport } = await respondingWith(FULL.replace(/></g, '>\n  <').replace('>etag<', '> etag\n<'))
  expect(await transport.getCors()).toEqual(CONFIGURATION)
})

it.each([
  ['without rules', '', 200],
  ['that does not exist', errorXml('NoSuchCORSConfiguration'), 404],
])('a configuration %s has no rules', async (_what, content, status) => {
  const { transport } = await respondingWith(status === 200 ? document(content) : content, {}, status)
  expect(await transport.getCors()).toEqual({ rules: [], responseVary: false })
})

it('a bucket that does not exist has no configuration', async () => {
  const { transport } = await respondingWith(errorXml('NoSuchBucket'), {}, 404)
  expect(await rejection(transport.getCors())).toMatchObject({ code: 'ERR_CSE_NOT_FOUND' })
})

it.each([
  '<CORSRule><AllowedOrigin/></CORSRule>',
  '<CORSRule><AllowedOrigin><b>c</b></AllowedOrigin></CORSRule>',
  '<CORSRule><MaxAgeSeconds>1h</MaxAgeSeconds></CORSRule>',
  '<CORSRule><MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>2</MaxAgeSeconds></CORSRule>',
])('a rule that cannot be read is refused: %s', async (content) => {
  const { transport } = await respondingWith(document(content))
  expect(await rejection(transport.getCors())).toMatchObject({ code: 'ERR_CSE_SERVICE', status: 200 })
})

it.each(['<CORSRule><Id>a</Id></CORSRule>', '<Id>a</Id>'])(
  'an element that would be lost is refused by its name: %s',
  async (content) => {
    const { transport } = await respondingWith(document(content))
    expect(await rejection(transport.getCors())).toMatchObject({
      code: 'ERR_CSE_SERVICE',
      retryable: false,
      message: expect.stringContaining('the element Id,'),
    })
  },
)

it('an empty list of rules is refused before any request', async () => {
  const { server, transport } = await respondingWith('')
  const empty = transport.putCors({ rules: [], responseVary: false })
  expect(await rejection(empty)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(server.seen).toEqual([])
})
