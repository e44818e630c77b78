import { OSS_HEADERS } from '../headers.ts'
import { objectAttributes } from '../object-attributes.ts'
import { taggingHeader } from '../object-tags.ts'
import { hasObjectSettings } from '../optional-ports.ts'
import type { HeaderMap, ObjectSettings, ObjectTag } from '../ports.ts'
import { bodyOf, envelopeHeaders, multipartHeaders, pattern } from './contract-bytes.ts'
import { type ContractCase, expectCode, expectThat } from './expect.ts'
import type { TransportContractOptions, TransportUnderTest } from './transport-contract.ts'

const TAGS: readonly ObjectTag[] = [
  { key: 'a b', value: '+-=._:/ ' },
  { key: 'A b', value: '' },
  { key: '__proto__', value: 'x' },
  { key: '1', value: 'one' },
]
const SETTINGS = { [OSS_HEADERS.objectAcl]: 'public-read', [OSS_HEADERS.tagging]: taggingHeader(TAGS) }

/** The rules for transports that read the settings of objects. */
export function settingsRules(create: TransportContractOptions['create']): readonly ContractCase[] {
  const created = async (): Promise<TransportUnderTest & ObjectSettings> => {
    const transport = await create()
    expectThat(hasObjectSettings(transport), 'the transport reads ACLs and tags')
    return transport as TransportUnderTest & ObjectSettings
  }
  return [
    {
      name: 'returns the ACL and the tags that a put or an upload in parts gave an object: the ACL when it was completed',
      async run() {
        const transport = await created()
        await put(transport, 'put', SETTINGS)
        const { [OSS_HEADERS.objectAcl]: acl, [OSS_HEADERS.tagging]: tagging } = SETTINGS
        const initial = { [OSS_HEADERS.objectAcl]: 'private', [OSS_HEADERS.tagging]: tagging }
        const headers = { ...initial, ...envelopeHeaders, ...multipartHeaders(10, 102_400) }
        const { uploadId } = await transport.initiate({ key: 'joined', headers })
        const part = { key: 'joined', uploadId, partNumber: 1, headers: {}, body: bodyOf([pattern(10)], 10) }
        const parts = [await transport.uploadPart(part)]
        await transport.complete({
          key: 'joined',
          uploadId,
          parts,
          headers: { [OSS_HEADERS.objectAcl]: acl },
        })
        for (const key of ['put', 'joined']) await expectSettings(transport, key, 'public-read', TAGS)
        const head = await transport.head({ key: 'joined', headers: {} })
        const { type, tagCount, needsRestore } = objectAttributes(head.headers)
        expectThat(type === 'Multipart' && tagCount === 4 && !needsRestore, 'the attributes of the object')
      },
    },
    {
      name: 'returns the ACL default and no tags for an object without them, and refuses an object that is not there',
      async run() {
        const transport = await created()
        await put(transport, 'plain', {})
        await expectSettings(transport, 'plain', 'default', [])
        await put(transport, 'one', { [OSS_HEADERS.tagging]: 'a=b' })
        await expectSettings(transport, 'one', 'default', [{ key: 'a', value: 'b' }])
        await expectCode(transport.getObjectAcl({ key: 'none' }), 'ERR_CSE_NOT_FOUND', 'an ACL')
        await expectCode(transport.getObjectTags({ key: 'none' }), 'ERR_CSE_NOT_FOUND', 'tags')
      },
    },
    {
      name: 'copies tags unless they are replaced, and takes the ACL of a copy from its headers',
      async run() {
        const transport = await created()
        await put(transport, 'from', SETTINGS)
        await transport.copy({ sourceKey: 'from', key: 'to', headers: {} })
        await expectSettings(transport, 'to', 'default', TAGS)
        const headers = {
          [OSS_HEADERS.objectAcl]: 'private',
          [OSS_HEADERS.taggingDirective]: 'Replace',
          [OSS_HEADERS.tagging]: 'new=1',
        }
        await transport.copy({ sourceKey: 'from', key: 'to', headers })
        await expectSettings(transport, 'to', 'private', [{ key: 'new', value: '1' }])
      },
    },
    {
      name: 'shows the storage class of an archived object, and refuses to read or copy it',
      async run() {
        const transport = await created()
        await put(transport, 'archived', { [OSS_HEADERS.storageClass]: 'Archive' })
        const { headers } = await transport.head({ key: 'archived', headers: {} })
        const { type, storageClass, needsRestore } = objectAttributes(headers)
        expectThat(type === 'Normal' && storageClass === 'Archive' && needsRestore, 'the attributes')
        for (const call of [
          () => transport.get({ key: 'archived', headers: {} }),
          () => transport.copy({ sourceKey: 'archived', key: 'copy', headers: {} }),
        ]) {
          const error = await expectCode(call(), 'ERR_CSE_ACCESS_DENIED', 'an archived object')
          expectThat('serviceCode' in error && error.serviceCode === 'InvalidObjectState', 'its code')
        }
      },
    },
  ]
}

async function put(transport: TransportUnderTest, key: string, headers: HeaderMap): Promise<void> {
  await transport.put({ key, headers, body: bodyOf([pattern(10)], 10) })
}

async function expectSettings(
  transport: ObjectSettings,
  key: string,
  acl: string,
  tags: readonly ObjectTag[],
): Promise<void> {
  expectThat((await transport.getObjectAcl({ key })) === acl, `the ACL of ${key} is ${acl}`)
  const sorted = (some: readonly ObjectTag[]) =>
    JSON.stringify(some.map(({ key: name, value }) => [name, value]).sort())
  expectThat(sorted(await transport.getObjectTags({ key })) === sorted(tags), `the tags of ${key}`)
}
