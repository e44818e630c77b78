import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CryptoBucket, type LogEvent } from '@oss-cse/bucket'
import { decodeEnvelope, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { type FaultKind, type KmsEmulator, startKmsEmulator } from '@oss-cse/kms-emulator'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import { AlicloudKms, KmsProvider } from '@oss-cse/provider-kms'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endAll, run } from './command-line.ts'
import { transportOf } from './emulated-bucket.ts'
import { kmsOf } from './emulated-kms.ts'
import { SecretScan } from './secret-scan.ts'

const PASSPHRASE = 'correct-horse battery/staple+1'
const SECRET = 'access-key-secret/with+slashes'
const TOKEN = 'security-token/with+slashes=='
const KMS_FAULTS: readonly FaultKind[] = [
  'throttle',
  'status-500',
  'status-503',
  'reset',
  'html-502',
  'empty-answer',
  'malformed-answer',
  'no-permission',
  'clock-skew',
]

const directory = mkdtempSync(join(tmpdir(), 'oss-cse-secrets-'))
const path = (name: string): string => join(directory, name)
let kms: KmsEmulator
let oss: OssEmulator

beforeAll(async () => {
  const account = { accessKeyId: 'an-access-key', accessKeySecret: SECRET, securityToken: TOKEN }
  kms = await startKmsEmulator({ ...account, accessLog: path('kms.log') })
  oss = await startOssEmulator({ ...account, accessLog: path('oss.log') })
})

afterAll(async () => {
  endAll()
  await kms.close()
  await oss.close()
  rmSync(directory, { recursive: true, force: true })
})

function newScan(): SecretScan {
  const scan = new SecretScan()
  scan.addText('the passphrase', PASSPHRASE)
  scan.addText('the access key secret', SECRET)
  scan.addText('the security token', TOKEN)
  return scan
}

/** Runs what should fail or succeed, and shows what it gave. */
async function shown(scan: SecretScan, where: string, work: () => unknown): Promise<unknown> {
  try {
    const value = await work()
    scan.show(where, value)
    return value
  } catch (error) {
    scan.show(where, error)
    return error
  }
}

test('the scan finds what it looks for, in every form', () => {
  const scan = newScan()
  scan.addBytes(
    'a CEK',
    Uint8Array.from({ length: 32 }, (_, i) => i * 7),
  )
  scan.addPem('a key', '-----BEGIN X-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB\n-----END X-----')
  const cek = Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => i * 7))
  for (const value of [
    new Error(`failed: ${PASSPHRASE}`),
    { a: { b: [encodeURIComponent(SECRET)] } },
    Buffer.from(TOKEN).toString('base64'),
    cek.toString('hex'),
    { cek: new Uint8Array(cek) },
    cek,
    new Error('outer', { cause: new Error(cek.toString('base64')) }),
    'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB',
  ]) {
    const single = newScan()
    single.addBytes('a CEK', cek)
    single.addPem('a key', 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB')
    single.show('here', value)
    expect(single.findings(), String(value)).not.toEqual([])
  }
  scan.show('here', { harmless: true })
  expect(scan.findings()).toEqual([])
})

test('no plaintext key, passphrase, PEM body or credential is in any error, log event or inspected value', async () => {
  const scan = newScan()
  const { privateKey, publicKey } = await generateRsaKeyPair({ bits: 2048, passphrase: PASSPHRASE })
  const inClear = await generateRsaKeyPair({ bits: 2048 })
  scan.addPem('the private key', privateKey)
  scan.addPem('the private key in clear', inClear.privateKey)

  // Keys that cannot be used.
  const cut = privateKey.slice(0, 500)
  for (const options of [
    { privateKey },
    { privateKey, passphrase: `${PASSPHRASE}x` },
    { privateKey: cut, passphrase: PASSPHRASE },
    {
      privateKey: `${inClear.privateKey.slice(0, 800)}\n-----END PRIVATE KEY-----`,
      passphrase: PASSPHRASE,
    },
    { publicKey: inClear.privateKey },
    { privateKey: publicKey },
    { privateKey: inClear.privateKey, publicKey },
    { privateKey, passphrase: PASSPHRASE, materialDescription: [PASSPHRASE] as never },
  ]) {
    await shown(scan, 'an RSA provider that cannot be built', () => new RsaProvider(options))
  }

  const unwrapCache = { maxEntries: 10, ttlMs: 60_000 }
  const rsa = new RsaProvider({
    privateKey,
    passphrase: PASSPHRASE,
    materialDescription: { k: 'rsa' },
    unwrapCache,
    unwrapInWorker: true,
  })
  const stranger = new RsaProvider({ privateKey: inClear.privateKey, materialDescription: { k: 'rsa' } })
  const client = kmsOf(kms, { securityToken: TOKEN })
  const retry = { maxAttempts: 2, minDelayMs: 1, maxDelayMs: 2 }
  const kmsProvider = new KmsProvider({
    client,
    keyId: kms.keyId,
    passphrase: PASSPHRASE,
    materialDescription: { k: 'kms' },
    unwrapCache,
    retry,
  })
  for (const value of [rsa, stranger, kmsProvider, client]) scan.show('a provider', value)

  const log = (event: LogEvent): void => scan.show('a log event', event)
  const transport = transportOf(oss, { securityToken: TOKEN })
  scan.show('a transport', transport)
  const bucketOf = (encrypting: MasterKeyProvider, decrypting: readonly MasterKeyProvider[] = []) => {
    const keyring = new Keyring({
      encrypting: scan.watch(encrypting),
      decrypting: decrypting.map((p) => scan.watch(p)),
    })
    scan.show('a keyring', keyring)
    const bucket = new CryptoBucket({ transport, keyring, retry, logger: log })
    scan.show('a bucket', bucket)
    return bucket
  }
  const bucket = bucketOf(kmsProvider, [rsa])

  // What succeeds.
  await bucketOf(rsa).put('rsa', 'text')
  await shown(scan, 'a put', () => bucket.put('kms', 'text'))
  await shown(scan, 'a multipart put', () =>
    bucket.upload('parts', new Uint8Array(300_000), {
      partSizeBytes: 100 * 1024,
      multipartThresholdBytes: 0,
    }),
  )
  await shown(scan, 'an upload', () => bucket.initiateMultipartUpload('later', { sizeBytes: 5 }))
  for (const key of ['rsa', 'kms', 'parts']) {
    await shown(scan, 'a head', () => bucket.head(key))
    await shown(scan, 'a get', () => bucket.get(key))
    await shown(scan, 'a reader', () => bucket.openObject(key))
  }

  // What fails: under wrong keys, and with every fault of KMS.
  await shown(scan, 'a wrong RSA key', () => bucketOf(stranger).getBytes('rsa'))
  await shown(scan, 'an unknown key', () => bucketOf(stranger).getBytes('kms'))
  for (const options of [
    {},
    { passphrase: `${PASSPHRASE}x` },
    { encryptionContext: { 'x-passphrase': 'other' } },
  ]) {
    const other = new KmsProvider({ client, keyId: kms.keyId, materialDescription: { k: 'kms' }, ...options })
    await shown(scan, 'a wrong passphrase', () => bucketOf(other).getBytes('kms'))
  }
  kmsProvider.clearUnwrapCache()
  for (const kind of KMS_FAULTS) {
    for (const work of [() => bucket.put('fails', 'text'), () => bucket.getBytes('kms')]) {
      kms.injectFault({ kind, count: 4 })
      await shown(scan, `KMS: ${kind}`, work)
      // Uses up what is left of the injected ones.
      for (let left = 0; left < 4; left++) await client.decrypt({ ciphertextBlob: 'YQ==' }).catch(() => {})
    }
  }
  // In time or not: what it says is looked at.
  const impatient = new KmsProvider({
    client: kmsOf(kms, { securityToken: TOKEN, timeoutMs: 50 }),
    keyId: kms.keyId,
    passphrase: PASSPHRASE,
    materialDescription: { k: 'kms' },
    retry,
  })
  for (const work of [
    (by: MasterKeyProvider) => bucketOf(by).put('fails', 'text'),
    (by: MasterKeyProvider) => bucketOf(by).getBytes('kms'),
  ]) {
    kms.injectFault({ kind: 'stall', count: 2 })
    await shown(scan, 'KMS: stall', () => work(impatient))
  }
  const { region, endpoint, accessKeyId } = kms
  for (const change of [
    { accessKeySecret: `${SECRET}x` },
    { securityToken: `${TOKEN}x` },
    { endpoint: 'http://127.0.0.1:1' },
  ]) {
    const account = {
      region,
      endpoint,
      accessKeyId,
      accessKeySecret: SECRET,
      securityToken: TOKEN,
      ...change,
    }
    const denied = new KmsProvider({
      client: new AlicloudKms(account),
      keyId: kms.keyId,
      passphrase: PASSPHRASE,
      retry,
    })
    await shown(scan, 'KMS: credentials', () => bucketOf(denied).put('fails', 'text'))
    const elsewhere = transportOf(oss, {
      ...change,
      endpoint: 'endpoint' in change ? change.endpoint : oss.endpoint,
      securityToken: TOKEN,
      ...change,
    })
    const refused = new CryptoBucket({ transport: elsewhere, provider: scan.watch(rsa), retry, logger: log })
    await shown(scan, 'OSS: credentials', () => refused.put('fails', 'text'))
  }
  for (const kind of [
    'status-500',
    'reset-before',
    'corrupt-body',
    'wrong-crc',
    'truncate-response',
  ] as const) {
    oss.injectFault({ kind, count: 3 })
    await shown(scan, `OSS: ${kind}`, () => bucketOf(rsa).put('fails', 'text'))
    await shown(scan, `OSS: ${kind}`, () => bucketOf(rsa).getBytes('rsa'))
  }

  scan.showText('the access log of KMS', readFileSync(path('kms.log'), 'utf8'))
  scan.showText('the access log of OSS', readFileSync(path('oss.log'), 'utf8'))
  scan.show('the requests that KMS remembers', kms.requests)
  expect(scan.size).toBeGreaterThan(300)
  expect(scan.findings()).toEqual([])
})

test('no plaintext key, passphrase, PEM body or credential is in what the command line prints, also when it debugs', async () => {
  const scan = newScan()
  const rsa = await generateRsaKeyPair({ bits: 2048, passphrase: PASSPHRASE })
  scan.addPem('the private key', rsa.privateKey)
  writeFileSync(path('rsa.pem'), rsa.privateKey)
  writeFileSync(path('cut.pem'), rsa.privateKey.slice(0, 600))
  writeFileSync(path('in'), 'a letter')
  const material = { keyId: kms.keyId, region: kms.region, endpoint: kms.endpoint, passphraseEnv: 'PASS' }
  const keyring = (encrypting: string, change: object = {}) => ({
    encrypting,
    materials: {
      rsa: {
        type: 'rsa',
        privateKeyFile: 'rsa.pem',
        passphraseEnv: 'PASS',
        materialDescription: { k: 'rsa' },
      },
      kms: { type: 'kms', ...material, materialDescription: { k: 'kms' }, ...change },
    },
  })
  writeFileSync(path('keyring.json'), JSON.stringify(keyring('kms')))
  writeFileSync(path('secrets.json'), JSON.stringify(keyring('kms', { passphrase: PASSPHRASE })))
  const env = {
    OSS_ENDPOINT: oss.endpoint,
    OSS_ACCESS_KEY_ID: oss.accessKeyId,
    OSS_ACCESS_KEY_SECRET: SECRET,
    OSS_SESSION_TOKEN: TOKEN,
    PASS: PASSPHRASE,
    WRONG: `${PASSPHRASE}x`,
    OSS_CSE_DEBUG: '1',
  }
  const cse = async (
    args: readonly string[],
    expected: number,
    change: NodeJS.ProcessEnv = {},
  ): Promise<void> => {
    const { code, stdout, stderr } = await run(args, { cwd: directory, env: { ...env, ...change } })
    scan.showText(`stdout of ${args.join(' ')}`, stdout.toString())
    scan.showText(`stderr of ${args.join(' ')}`, stderr)
    expect(code, `${args.join(' ')}: ${stderr}`).toBe(expected)
  }
  const url = 'oss://demo/letter'
  const kmsFlags = ['--kms-key-id', kms.keyId, '--kms-endpoint', kms.endpoint]
  const rsaFlags = ['--rsa-private-key', 'rsa.pem', '--rsa-passphrase-env', 'PASS']

  await cse(['put', 'in', url, '--keyring', 'keyring.json', '--json'], 0)
  const { headers } = await transportOf(oss, { securityToken: TOKEN }).head({ key: 'letter', headers: {} })
  const envelope = decodeEnvelope(headers)
  if (envelope === undefined) throw new Error('The command did not encrypt.')
  const reader = new KmsProvider({
    client: kmsOf(kms, { securityToken: TOKEN }),
    keyId: kms.keyId,
    passphrase: PASSPHRASE,
  })
  scan.addBytes('the CEK', (await reader.unwrap(envelope)).cek)

  for (const json of [[], ['--json']]) {
    await cse(['stat', url, ...json], 0)
    await cse(['inspect', url, ...json], 0)
    await cse(['get', url, 'out', '--keyring', 'keyring.json', ...json], 0)
    await cse(['encrypt', 'in', '-o', 'out.enc', '--meta-out', 'out.json', ...rsaFlags, ...json], 0)
    await cse(['inspect', 'out.json', ...json], 0)
  }
  await cse(['get', url, 'out', ...kmsFlags, '--kms-passphrase-env', 'WRONG', '--matdesc', '{"k":"kms"}'], 6)
  await cse(['get', url, 'out', ...rsaFlags], 6)
  await cse(['get', url, 'out', '--rsa-private-key', 'rsa.pem', '--rsa-passphrase-env', 'WRONG'], 3)
  await cse(['get', url, 'out', '--rsa-private-key', 'cut.pem', '--rsa-passphrase-env', 'PASS'], 3)
  await cse(['get', url, 'out', '--keyring', 'secrets.json'], 3)
  await cse(['get', url, 'out', '--keyring', 'keyring.json'], 3, { PASS: undefined })
  await cse(['put', 'in', url, ...kmsFlags], 5, { OSS_ACCESS_KEY_SECRET: `${SECRET}x` })
  await cse(['put', 'in', url, '--kms-key-id', kms.keyId, '--kms-endpoint', 'http://127.0.0.1:1'], 5)
  await cse(['put', 'in', url, '--kms-key-id', 'unknown', '--kms-endpoint', kms.endpoint], 5)
  kms.injectFault({ kind: 'html-502', count: 9 })
  await cse(['put', 'in', url, ...kmsFlags, '--kms-passphrase-env', 'PASS'], 5)
  expect(scan.findings()).toEqual([])
})
