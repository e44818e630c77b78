import { describe, expect, test } from 'vitest'
import { encryptedFile } from '../testing/encrypted-file.ts'

const { envelope, file, oss, writeMeta } = await encryptedFile()

describe('inspect of a file', () => {
  test('shows algorithms and material, and no wrapped key', async () => {
    const wrapped = envelope()['x-oss-meta-client-side-encryption-key'] ?? ''
    const { code, stdout } = await oss(['inspect', file('meta.json')])
    expect(code).toBe(0)
    expect(stdout.toString()).toMatch(
      /AES\/CTR\/NoPadding[\s\S]*RSA\/NONE\/PKCS1Padding[\s\S]*\(no description\)/,
    )
    expect(stdout.toString()).not.toContain(wrapped)
    const { json, stdout: text } = await oss(['inspect', '--json', file('meta.json')])
    expect(json()).toMatchObject({ source: file('meta.json'), encrypted: true, envelope: { version: 2 } })
    expect(text.toString()).not.toContain(wrapped)
  })

  test('needs neither keys nor a server', async () => {
    const env = { OSS_ENDPOINT: undefined, OSS_ACCESS_KEY_ID: undefined }
    expect((await oss(['inspect', file('meta.json')], { env })).code).toBe(0)
  })

  test('says that a plain object is not encrypted', async () => {
    writeMeta({ 'content-type': 'text/plain' })
    const { json } = await oss(['inspect', file('meta.json'), '--json'])
    expect(json()).toEqual({ source: file('meta.json'), encrypted: false, sealed: false })
  })

  test('a damaged envelope exits 6, a missing file 4', async () => {
    writeMeta({ 'x-oss-meta-client-side-encryption-key': 'x' })
    expect((await oss(['inspect', file('meta.json')])).code).toBe(6)
    expect((await oss(['inspect', file('none')])).code).toBe(4)
  })
})
