import { describe, expect, test } from 'vitest'
import { recognizeKeyForm } from './key-form.ts'
import { readPrivateKey, readPublicKey } from './pem.ts'

/** So long that quadratic work exceeds the time limit of all tests, while linear work takes milliseconds. */
const LENGTH = 1_000_000
const pumped = (unit: string) => unit.repeat(Math.ceil(LENGTH / unit.length))

describe('a key file of a million characters takes time proportional to its length', () => {
  test.each<[string, string]>([
    ['line breaks', pumped('\n')],
    ['Windows line breaks', pumped('\r\n')],
    ['spaces', pumped(' ')],
    ['blank lines', pumped(' \n')],
    ['words', pumped('a ')],
    ['one word', pumped('a')],
    ['digits behind PuTTY', `PuTTY-User-Key-File-${pumped('0')}`],
    ['spaces behind PuTTY', `PuTTY-User-Key-File-2:${pumped(' ')}`],
    ['SSH keys that are cut off', pumped('ssh-rsa AAA\n')],
    ['one SSH word', `ecdsa-${pumped('ssh-')}`],
    ['brackets', pumped('[')],
    ['objects', pumped('{"kty":')],
    ['base64', `${pumped('MIIB')}!`],
    ['hyphens', pumped('-')],
    ['BEGIN lines', pumped('-----BEGIN A-----\n').repeat(2)],
    ['BEGIN lines without a break', pumped('-----BEGIN A-----')],
    [
      'BEGIN lines of many labels',
      Array.from({ length: 80_000 }, (_, i) => `-----BEGIN ${i}-----\n`).join(''),
    ],
    ['one BEGIN line', `-----BEGIN ${pumped('A')}-----`],
    ['halves of BEGIN lines', pumped('-----BEGIN A')],
    ['END lines', pumped('-----END A-----\n')],
    ['BEGIN lines and an END line of another kind', `${pumped('-----BEGIN A-----\n')}-----END B-----\n`],
    ['BEGIN lines behind their END line', `-----END A-----\n${pumped('-----BEGIN A-----\n')}`],
    ['empty blocks', pumped('-----BEGIN A-----\n-----END A-----\n')],
    ['one block of spaces', `-----BEGIN PRIVATE KEY-----\n${pumped(' ')}\n-----END PRIVATE KEY-----\n`],
    [
      'one block of header lines',
      `-----BEGIN PUBLIC KEY-----\n${pumped('Proc-Type: a\n')}\n-----END PUBLIC KEY-----\n`,
    ],
    [
      'one header line',
      `-----BEGIN PUBLIC KEY-----\nProc-Type:${pumped('ENCRYPTE')}\n-----END PUBLIC KEY-----\n`,
    ],
    ['one block of escapes', `-----BEGIN PRIVATE KEY-----${pumped('\\n')}-----END PRIVATE KEY-----`],
    ['one block of base64', `-----BEGIN PRIVATE KEY-----\n${pumped('AAAA')}\n-----END PRIVATE KEY-----\n`],
  ])('%s are not read as a key', (_name, text) => {
    for (const data of [text, Buffer.from(text)]) {
      for (const read of [() => readPrivateKey(data, undefined), () => readPublicKey(data)]) {
        expect(read).toThrow(expect.objectContaining({ code: 'ERR_CSE_INVALID_KEY' }))
      }
    }
  })

  test('an SSH key after many blank lines is recognized', () => {
    const form = recognizeKeyForm(`${pumped('\n')}  ssh-rsa AAAAB3Nz me@host\n`)
    expect(form?.name).toBe('an SSH public key')
  })
})
