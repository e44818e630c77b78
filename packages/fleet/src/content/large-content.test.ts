import { CryptoBucket } from '@oss-cse/bucket'
import { decodeEnvelope, type Envelope, encodeEnvelope, OSS_HEADERS } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { OLD, RewriteSite } from '../../test/rewrite-site.ts'
import { readSource } from '../objects/source-object.ts'
import { IntentLog } from '../placement/intent-log.ts'
import { PausedWritersPlacement } from '../placement/paused-writers-placement.ts'
import type { Placement } from '../placement/placement.ts'
import { VersionedPlacement } from '../placement/versioned-placement.ts'
import { ciphertextContent } from './ciphertext-content.ts'
import { encryptedContent } from './encrypted-content.ts'
import type { NewContent } from './new-content.ts'
import { openCiphertext, openPlaintext } from './opened-source.ts'

/** Two parts, the last one short. */
const BYTES = new Uint8Array(10 * 1024 ** 2 + 70_005).fill(7)
const maxRequestBytes = 1024 ** 2
const same = { sameContent: async () => true, sameSettings: async () => true }

/** An object, and content for it that is too large for one request. */
async function largeObject(kind: string, versioning: 'Enabled' | 'Unversioned' = 'Enabled') {
  const site = new RewriteSite(versioning)
  const format = kind.startsWith('sealed') ? 'sealed' : 'aes-ctr'
  await new CryptoBucket({ transport: site.transport, provider: OLD, format }).put('k', BYTES)
  const { transport, keyring } = site
  const source = await readSource(transport, 'k')
  const keys = { keyring, context: undefined }
  const envelope = decodeEnvelope(source.headers) as Envelope
  const rewrapped = await keyring.rewrap(envelope)
  const headers = { [OSS_HEADERS.objectAcl]: 'private', [OSS_HEADERS.tagging]: 'a=b' }
  const common = { headers, maxRequestBytes }
  const content: NewContent = kind.endsWith('fresh')
    ? encryptedContent({
        ...common,
        keys,
        format,
        sizeBytes: BYTES.length,
        open: (call) => openPlaintext(transport, source, keys, call),
      })
    : ciphertextContent({
        ...common,
        source,
        envelope: rewrapped,
        envelopeHeaders: encodeEnvelope(rewrapped),
        open: (call) => openCiphertext(transport, source, keys, call),
      })
  const log = await IntentLog.open(site.intents, '0000000000', {})
  const placement: Placement =
    versioning === 'Enabled'
      ? new VersionedPlacement(transport, log)
      : new PausedWritersPlacement(transport, { log, temporaryPrefix: '.tmp/' })
  return { site, source, content, placement }
}

const KINDS = ['aes-ctr', 'sealed', 'aes-ctr, fresh', 'sealed, fresh']
const WHERE = ['Enabled', 'Unversioned'] as const

describe.each(KINDS)('content of a large object (%s)', (kind) => {
  test.each(WHERE)('is sent in parts, and read under the new key (versioning %s)', async (versioning) => {
    const { site, source, content, placement } = await largeObject(kind, versioning)
    expect(content.inParts).toBe(true)
    site.transport.requests.length = 0
    expect(await placement.place(source, content, same)).toBe('placed')
    const operations = site.transport.requests.map(({ operation }) => operation)
    expect(operations.filter((operation) => operation === 'uploadPart')).toHaveLength(2)
    expect(operations).not.toContain('put')
    expect(Buffer.compare(await site.reader.getBytes('k'), BYTES)).toBe(0)
    const stored = site.transport.objects.get('k')
    expect(stored).toMatchObject({ acl: 'private', tags: [{ key: 'a', value: 'b' }] })
    expect(decodeEnvelope(stored?.headers ?? {})).toMatchObject({ dataSizeBytes: stored?.bytes.length })
  })

  test.each(WHERE)(
    'is not completed if its source is not what it was (versioning %s)',
    async (versioning) => {
      const { site, source, content, placement } = await largeObject(kind, versioning)
      const before = site.transport.objects.get('k')
      // Another byte than the last one.
      before?.bytes.fill((before.bytes.at(-1) ?? 0) ^ 1, -1)
      await expect(placement.place(source, content, same)).rejects.toMatchObject({
        code: expect.stringMatching(/INTEGRITY|AUTHENTICATION/),
      })
      expect(site.transport.objects.get('k')).toBe(before)
      expect(await site.transport.listUploads({})).toEqual({ uploads: [] })
    },
  )

  test.each(WHERE)('does not replace what somebody wrote meanwhile (versioning %s)', async (versioning) => {
    const { site, source, content, placement } = await largeObject(kind, versioning)
    let raced = false
    site.transport.intercept = async ({ operation }) => {
      if (operation !== 'uploadPart' || raced) return
      raced = true
      await site.app.put('k', 'newer')
    }
    expect(await placement.place(source, content, same)).toBe('raced')
    expect(await site.read('k')).toBe('newer')
    expect(await site.transport.listUploads({})).toEqual({ uploads: [] })
  })
})

test.each(['aes-ctr', 'sealed'])(
  'a completion whose response is lost is found by its intent (%s)',
  async (kind) => {
    const { site, source, content, placement } = await largeObject(kind)
    const complete = site.transport.complete.bind(site.transport)
    site.transport.complete = async (request) => {
      await complete(request)
      throw new Error('the response was lost')
    }
    await expect(placement.place(source, content, same)).rejects.toThrow('lost')
    const [placed] = (await placement.settle('k', same)).placed
    expect(placed).toBe(site.transport.objects.get('k')?.versionId)
    expect(placed).not.toBe(source.versionId)
  },
)
