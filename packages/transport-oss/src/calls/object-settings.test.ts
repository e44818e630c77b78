import { expect, it } from 'vitest'
import { rejection, respondingWith } from '../../test/fake-server.ts'

const acl = (list: string) =>
  `<AccessControlPolicy><Owner><ID>1</ID><DisplayName>1</DisplayName></Owner>${list}</AccessControlPolicy>`
const tagging = (tags: string) => `<Tagging><TagSet>${tags}</TagSet></Tagging>`
const tag = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`

it.each(['default', 'private', 'public-read', 'public-read-write'])(
  'the ACL %s is returned',
  async (grant) => {
    const list = `<AccessControlList><Grant>${grant}</Grant></AccessControlList>`
    const { server, transport } = await respondingWith(acl(list))
    const headers = { 'x-oss-request-payer': 'requester' }
    expect(await transport.getObjectAcl({ key: 'a b', versionId: 'v', headers })).toBe(grant)
    expect(server.seen[0]).toMatchObject({ method: 'GET', url: '/my-bucket/a%20b?acl=&versionId=v', headers })
  },
)

it.each([
  ['without tags', '', []],
  ['with one tag', tag('a', 'b'), [{ key: 'a', value: 'b' }]],
  [
    'with names that every JavaScript object has, and an empty value',
    tag('__proto__', '1') + tag('constructor', ''),
    [
      { key: '__proto__', value: '1' },
      { key: 'constructor', value: '' },
    ],
  ],
])('the tags of a document %s are returned', async (_what, tags, expected) => {
  const { server, transport } = await respondingWith(tagging(tags))
  expect(await transport.getObjectTags({ key: 'a' })).toEqual(expected)
  expect(server.seen[0]?.url).toBe('/my-bucket/a?tagging=')
})

it.each(['', '<AccessControlList/>', '<AccessControlList><Grant>public</Grant></AccessControlList>'])(
  'an ACL that is not known is refused: %j',
  async (list) => {
    const { transport } = await respondingWith(acl(list))
    expect(await rejection(transport.getObjectAcl({ key: 'a' }))).toMatchObject({
      code: 'ERR_CSE_SERVICE',
      status: 200,
      objectKey: 'a',
    })
  },
)

it.each(['<Tag/>', '<Tag><Key>a</Key></Tag>', tag('', 'b'), tag('a', '<b>c</b>')])(
  'a tag without a key or a value is refused: %j',
  async (tags) => {
    const { transport } = await respondingWith(tagging(tags))
    expect(await rejection(transport.getObjectTags({ key: 'a' }))).toMatchObject({ code: 'ERR_CSE_SERVICE' })
  },
)

it('a key that cannot be used is refused before any request', async () => {
  const { server, transport } = await respondingWith('')
  for (const call of [
    () => transport.getObjectAcl({ key: '' }),
    () => transport.getObjectTags({ key: 'a/../b' }),
  ]) {
    expect(await rejection(call())).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  }
  expect(server.seen).toHaveLength(0)
})
