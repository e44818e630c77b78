import { createDecipheriv } from 'node:crypto'
import { decodeEnvelope, type Envelope, Keyring } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { keyDirectory } from '../test/support/key-directory.ts'
import { oss2Vectors } from '../test/support/oss2.ts'
import { LocalRsaProvider } from './local-rsa-provider.ts'

function envelopeOf(headers: Readonly<Record<string, string>>): Envelope {
  const envelope = decodeEnvelope(headers)
  if (envelope === undefined) throw new Error('The vector has no envelope.')
  return envelope
}

describe.each(oss2Vectors)(
  'what $sdk with $rsaLibrary wrote, with the passphrase $passphrase,',
  ({ passphrase, objects, ...files }) => {
    test.each(['v1', 'v2'] as const)('is read, whatever format the provider writes (%s)', async (format) => {
      const provider = new LocalRsaProvider({
        directory: keyDirectory(files),
        passphrase: passphrase ?? undefined,
        format,
      })
      const keyring = new Keyring({ encrypting: provider })
      for (const { headers, ciphertext, plaintext } of objects) {
        const { cek, iv } = await keyring.unwrap(envelopeOf(headers))
        const decipher = createDecipheriv('aes-256-ctr', cek, iv)
        const bytes = Buffer.concat([decipher.update(ciphertext, 'base64'), decipher.final()])
        expect(bytes.toString('base64')).toBe(plaintext)
      }
      expect(objects.map(({ plaintext }) => Buffer.from(plaintext, 'base64').length)).toEqual([
        0, 1, 16, 17, 1000,
      ])
    })
  },
)
