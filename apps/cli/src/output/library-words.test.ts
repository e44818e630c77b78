import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CseError, TransportError } from '@oss-cse/crypto-core'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerConfig } from '../base/server-config.ts'
import { openTransport } from '../server/open-transport.ts'
import { type KeyArguments, writeKeyFiles } from '../testing/key-files.ts'
import { MemoryServer, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'
import { inWords, tellingOf } from './library-words.ts'

const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
let keys: KeyArguments

/** The names of options as programs have them: in camel case, or in backticks. Fields of a keyring file are quoted, but for those of a cache. */
const LIBRARY_NAME = /(?<!")\b(?!maxEntries|ttlMs)[a-z]+[A-Z]\w*\b(?!")|`\w+(?:\(\))?`|`\w+: /

function expectOwnWords(text: string): void {
  expect(text).toMatch(/\S/)
  expect(text.replaceAll(directory.path, '')).not.toMatch(LIBRARY_NAME)
}

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
  writeFileSync(file('plain'), 'hello')
  writeFileSync(file('empty.pem'), '')
  writeFileSync(file('path.pem'), 'keys/master.pem')
  writeFileSync(file('der.pem'), Buffer.from('308204bf020100300d', 'hex'))
  writeFileSync(file('cut.pem'), '-----BEGIN PRIVATE KEY-----\n')
  writeFileSync(file('ssh.pem'), 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me')
  const locked = await generateRsaKeyPair({ bits: 2048, passphrase: 'open sesame' })
  writeFileSync(file('locked.pem'), locked.privateKey)
  const local = await generateRsaKeyPair({ bits: 2048, passphrase: 'open sesame' })
  mkdirSync(file('local'))
  writeFileSync(file('local/.private_key.pem'), local.privateKey)
  writeFileSync(file('local/.public_key.pem'), local.publicKey)
  mkdirSync(file('half'))
  writeFileSync(file('half/.private_key.pem'), local.privateKey)
})
afterAll(() => directory.remove())

const put = (...keyOptions: string[]): string[] => ['put', file('plain'), 'oss://demo/a', ...keyOptions]
const rsa = (name: string): string[] => put('--rsa-private-key', file(name))
const kms = (...more: string[]): string[] => put('--kms-key-id', 'id', '--kms-region', 'cn-hangzhou', ...more)

function keyring(material: unknown): string[] {
  const path = file('keyring.json')
  writeFileSync(path, JSON.stringify({ encrypting: 'a', materials: { a: material } }))
  return put('--keyring', path)
}

describe('an error uses the words of the command line', () => {
  test.each<[string, () => readonly string[], RunOptions?]>([
    ['a plain object', () => ['cat', 'oss://demo/plain', ...keys.own]],
    ['a plain object, to a file', () => ['get', 'oss://demo/plain', file('out'), ...keys.own]],
    ['a public key that would read', () => ['cat', 'oss://demo/a', ...keys.ownPublic]],
    ['another key', () => ['cat', 'oss://demo/a', ...keys.other]],
    ['another description', () => ['cat', 'oss://demo/described', ...keys.own, '--matdesc', '{"key":"x"}']],
    ['no object', () => ['cat', 'oss://demo/none', ...keys.own]],
    ['a range behind the end', () => ['cat', 'oss://demo/a', '--range', '99-', ...keys.own]],
    ['no range', () => ['cat', 'oss://demo/a', '--range', '9-1', ...keys.own]],
    ['an empty key file', () => rsa('empty.pem')],
    ['a path as key file', () => rsa('path.pem')],
    ['DER', () => rsa('der.pem')],
    ['half a PEM block', () => rsa('cut.pem')],
    ['a key of another kind', () => rsa('ssh.pem')],
    ['no passphrase', () => rsa('locked.pem')],
    ['a wrong passphrase', () => [...rsa('locked.pem'), '--rsa-passphrase-env', 'P'], { env: { P: 'x' } }],
    ['a public key as private one', () => rsa('own.pub.pem')],
    ['a private key as public one', () => put('--rsa-public-key', file('own.pem'))],
    ['halves of different keys', () => [...rsa('other.pem'), ...keys.ownPublic]],
    [
      'a public key as private one, in a keyring',
      () => keyring({ type: 'rsa', privateKeyFile: file('own.pub.pem') }),
    ],
    ['no passphrase, in a keyring', () => keyring({ type: 'rsa', privateKeyFile: file('locked.pem') })],
    ['no local keys', () => put('--local-rsa-dir', file('none'))],
    ['half of a local pair', () => put('--local-rsa-dir', file('half'))],
    ['no passphrase of local keys', () => put('--local-rsa-dir', file('local'))],
    ['a prefix with a slash', () => put('--local-rsa-dir', file('local'), '--local-rsa-prefix', 'a/b')],
    [
      'a prefix with a slash, in a keyring',
      () => keyring({ type: 'local-rsa', directory: 'local', prefix: 'a/b' }),
    ],
    ['no local keys, in a keyring', () => keyring({ type: 'local-rsa', directory: 'none' })],
    ['a region of KMS', () => put('--kms-key-id', 'id', '--kms-region', 'CN')],
    ['an endpoint of KMS without TLS', () => kms('--kms-endpoint', 'http://kms.example')],
    ['an endpoint of KMS with a path', () => kms('--kms-endpoint', 'https://kms.example/a')],
    ['an endpoint of KMS elsewhere', () => kms('--kms-endpoint', 'kms.cn-beijing.aliyuncs.com')],
    ['an endpoint of KMS without a scheme', () => kms('--kms-endpoint', 'localhost:1')],
    ['a key id', () => put('--kms-key-id', 'a b', '--kms-region', 'cn-hangzhou')],
    ['a key of another region', () => put('--kms-key-id', 'acs:kms:cn-b:1:key/id', '--kms-region', 'cn-a')],
    [
      'a context with a passphrase',
      () => kms('--kms-context', '{"x-passphrase":"a"}', '--kms-passphrase-env', 'P'),
      { env: { P: 'x' } },
    ],
    ['KMS that is away', () => kms('--kms-endpoint', 'http://127.0.0.1:1')],
    [
      'a cache of nothing',
      () => keyring({ type: 'kms', keyId: 'id', region: 'cn-a', unwrapCache: { maxEntries: 0, ttlMs: 1 } }),
    ],
    [
      'a cache of nothing, with a private key',
      () =>
        keyring({
          type: 'rsa',
          privateKeyFile: file('own.pem'),
          unwrapCache: { maxEntries: 0, ttlMs: 1 },
        }),
    ],
    [
      'a cache with a public key',
      () =>
        keyring({
          type: 'rsa',
          publicKeyFile: file('own.pub.pem'),
          unwrapCache: { maxEntries: 1, ttlMs: 1 },
        }),
    ],
    ['a region of KMS, in a keyring', () => keyring({ type: 'kms', keyId: 'id', region: 'CN' })],
    ['a part size', () => [...rsa('own.pem'), '--part-size', '5']],
    ['a part size of a sealed object', () => [...rsa('own.pem'), '--sealed', '--part-size', '100KiB']],
    ['an object that is not sealed', () => ['cat', 'oss://demo/a', '--accept', 'sealed', ...keys.own]],
    [
      'another commitment',
      () => ['cat', 'oss://demo/sealed', '--expect-commitment', 'A'.repeat(43), ...keys.own],
    ],
    ['another context', () => ['cat', 'oss://demo/sealed', '--context', 'x', ...keys.own]],
    ['a context that nothing is bound to', () => [...rsa('own.pem'), '--context', 'x']],
    ['a long context', () => [...rsa('own.pem'), '--sealed', '--context', 'x'.repeat(1025)]],
    ['parts at once', () => [...rsa('own.pem'), '--parallel', '101']],
    [
      'a checkpoint directory',
      () => [...rsa('own.pem'), '--multipart-threshold', '1', '--checkpoint-dir', file('plain')],
    ],
    ['metadata of a wrong name', () => [...rsa('own.pem'), '--meta', 'a b=c']],
    ['metadata of the envelope', () => [...rsa('own.pem'), '--meta', 'client-side-encryption-key=x']],
    ['metadata of a reserved name', () => [...rsa('own.pem'), '--meta', 'constructor=x']],
    ['metadata named __proto__', () => [...rsa('own.pem'), '--meta', '__proto__=x']],
    ['too much metadata', () => [...rsa('own.pem'), '--meta', `a=${'x'.repeat(9000)}`]],
    ['a content type with a line break', () => [...rsa('own.pem'), '--content-type', 'a\nb']],
    ['the size of a new key', () => ['keygen', '--out', file('new'), '--bits', '1000']],
    ['the prefix of a new key', () => ['keygen', '--out', file('new'), '--local-rsa', '--prefix', 'a/b']],
    ['a new key that exists', () => ['keygen', '--out', file('local'), '--bits', '2048', '--local-rsa']],
    [
      'a passphrase that oss2 reads otherwise',
      () => ['keygen', '--out', file('new'), '--local-rsa', '--passphrase-env', 'P'],
      { env: { P: 'ü' } },
    ],
    ['no directory for a new key', () => ['keygen', '--out', '', '--local-rsa']],
    ['no file of an envelope', () => ['inspect', file('none')]],
    ['no envelope in a file', () => ['inspect', file('plain')]],
  ])('%s', async (_what, argv, options) => {
    const server = new MemoryServer()
    await run(server, ['put', file('plain'), 'oss://demo/a', ...keys.own])
    await run(server, ['put', file('plain'), 'oss://demo/sealed', '--sealed', ...keys.own])
    const described = ['put', file('plain'), 'oss://demo/described', ...keys.own, '--matdesc', '{"key":"y"}']
    await run(server, described)
    await server.bucket('demo').plant('plain', Buffer.from('in plaintext'))
    const { code, stderr } = await run(server, argv(), options)
    expect(code).not.toBe(0)
    expectOwnWords(stderr)
  })

  const server = { region: 'cn-hangzhou', accessKeyId: 'id', accessKeySecret: 'secret' }
  test.each<[ServerConfig, string]>([
    [{ ...server, region: 'CN' }, '--region (or OSS_REGION)'],
    [{ ...server, endpoint: 'ftp://oss.example' }, '--endpoint (or OSS_ENDPOINT)'],
    [{ ...server, endpoint: 'https://oss.example/path' }, '--endpoint (or OSS_ENDPOINT)'],
    [{ ...server, endpoint: 'https://[::1]:9000' }, '--endpoint (or OSS_ENDPOINT)'],
    [{ ...server, endpoint: 'https://demo.oss.example' }, '--addressing cname'],
    [{ ...server, addressing: 'cname' }, '--addressing cname'],
    [{ ...server, endpoint: 'http://127.0.0.1:1', addressing: 'virtual' }, '--addressing virtual'],
  ])('an invalid server: %j', async (config, word) => {
    const { message } = await openTransport(config, 'demo').then(
      () => new Error('none'),
      (error: Error) => error,
    )
    expectOwnWords(message)
    expect(message).toContain(word)
  })
})

describe('errors of the service and the network', () => {
  const transport = (
    code: 'ERR_CSE_TIMEOUT' | 'ERR_CSE_NETWORK' | 'ERR_CSE_CREDENTIALS_EXPIRED',
    message: string,
    cause?: unknown,
  ) => tellingOf(new TransportError(code, message, { retryable: false, cause }))
  const systemError = (code: string, message: string) => Object.assign(new Error(message), { code })

  test('keep the message, without the library option for the time limit', () => {
    for (const message of [
      'put of "a" timed out: nothing moved on the connection for 60000 ms (idleTimeoutMs).',
      'Decrypt in cn-a failed: KMS did not respond within 10000 ms (timeoutMs).',
      'No request was sent: `credentials` did not return within 60000 ms.',
    ]) {
      const told = transport('ERR_CSE_TIMEOUT', message)
      expectOwnWords(told.message)
      expect(told.message).toMatch(/0000 ms\.$/)
      expect(told.hint).toContain('endpoint')
    }
  })

  test('name the variables of expired credentials', () => {
    const told = transport(
      'ERR_CSE_CREDENTIALS_EXPIRED',
      'Renew the security token, or pass `credentials` that renew themselves.',
    )
    expectOwnWords(told.message)
    expect(told.message).toContain('OSS_SESSION_TOKEN')
  })

  test.each([
    ['EPROTO', 'write EPROTO 80EC:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'ssl3_get_record:wrong version number'],
    ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'packet length too long'],
  ])('%s of a server without TLS says http://', (code, text) => {
    const { message } = transport('ERR_CSE_NETWORK', `ls failed: ${text}`, systemError(code, text))
    expect(message).toMatch(/speaks plain HTTP.*http:\/\/.*OSS_ENDPOINT/)
    expect(message).not.toContain('SSL routines')
  })

  test('another TLS failure does not claim that, and other failures do not change', () => {
    const alert = systemError('EPROTO', 'sslv3 alert handshake failure')
    expect(transport('ERR_CSE_NETWORK', 'x', alert).message).toMatch(
      /handshake.*failed \(EPROTO\)\. If the server/,
    )
    const refused = systemError('ECONNREFUSED', 'connect ECONNREFUSED')
    expect(transport('ERR_CSE_NETWORK', 'It failed.', refused).message).toBe('It failed.')
  })

  test('too many open files do not blame the checkpoint directory', () => {
    const telling = (code: string) =>
      tellingOf(new CseError('ERR_CSE_CHECKPOINT', 'x', { cause: systemError(code, code) })).hint
    for (const code of ['EMFILE', 'ENFILE']) expect(telling(code)).toBeUndefined()
    for (const code of ['EACCES', 'ENOSPC']) expect(telling(code)).toContain('--checkpoint-dir')
  })
})

test('names in backticks become those of the command line, with or without a value, and others do not change', () => {
  const words = { endpoint: '--endpoint', addressing: '--addressing' }
  expect(inWords('`addressing: "cname"` needs `endpoint`; `other` and `-----BEGIN …` stay.', words)).toBe(
    '--addressing cname needs --endpoint; `other` and `-----BEGIN …` stay.',
  )
  expect(inWords('Make one with generateRsaKeyPair().', words)).toBe('Make one with `oss-cse keygen`.')
})
