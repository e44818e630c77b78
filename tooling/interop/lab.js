import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKmsEmulator } from '@oss-cse/kms-emulator'
import { startOssEmulator } from '@oss-cse/oss-emulator'
import { generateLocalRsaKeyFiles, generateRsaKeyPair } from '@oss-cse/provider-rsa'
import OSS from 'ali-oss'
import { writeKeyFiles } from './key-files.js'

const ACCOUNT = { accessKeyId: 'interop-lab', accessKeySecret: 'secret-of-the-interop-lab' }
const BUCKET = 'lab'

/** The key pairs, by name, and their length in bits. */
const PAIRS = { a: 2048, b: 2048, 'a-4096': 4096 }

/** One way to hold a pair of `LocalRsaProvider`: the prefix of its files, and the passphrase if any. */
const LOCAL_PAIRS = { open: undefined, locked: 'correct horse' }

/** The plain client of OSS. */
export function ossClient({ endpoint, region, ...account }) {
  return new OSS({
    ...account,
    endpoint: endpoint.replace('127.0.0.1', 'localhost'),
    region: `oss-${region}`,
    sldEnable: true,
    authorizationV4: true,
  })
}

/** What all SDKs share: one OSS, one KMS that answers over HTTP and HTTPS, key files, and files to upload. */
export class Lab {
  #servers
  #pairs = new Map()
  #sources = new Map()
  #client

  static async start() {
    const lab = new Lab()
    lab.directory = mkdtempSync(join(tmpdir(), 'oss-cse-interop-'))
    process.on('exit', () => rmSync(lab.directory, { recursive: true, force: true, maxRetries: 5 }))
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130))
    const dataDirectory = lab.path('kms')
    const http = await startKmsEmulator({ ...ACCOUNT, dataDirectory })
    const https = await startKmsEmulator({ ...ACCOUNT, dataDirectory, tls: true })
    const oss = await startOssEmulator({ ...ACCOUNT, buckets: [BUCKET], dataDirectory: lab.path('oss') })
    lab.#servers = [http, https, oss]
    lab.oss = oss
    lab.kmsKeyIds = [http.keyId, (await http.createKey()).keyId]
    lab.settings = {
      service: { ...ACCOUNT, endpoint: `http://127.0.0.1:${oss.port}`, region: oss.region, bucket: BUCKET },
      kms: {
        ...ACCOUNT,
        http: `http://127.0.0.1:${http.port}`,
        https: `https://127.0.0.1:${https.port}`,
        caFile: https.caFile,
        region: http.region,
      },
    }
    await lab.#makeKeys()
    return lab
  }

  path(...names) {
    return join(this.directory, ...names)
  }

  /** An empty directory, made now. */
  emptyDirectory(...names) {
    const path = this.path(...names)
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path, { recursive: true })
    return path
  }

  async #makeKeys() {
    mkdirSync(this.path('keys'))
    for (const [name, bits] of Object.entries(PAIRS)) {
      const { privateKey } = await generateRsaKeyPair({ bits })
      this.#addPair(name, privateKey)
    }
    mkdirSync(this.path('local-rsa'))
    for (const [prefix, passphrase] of Object.entries(LOCAL_PAIRS)) {
      const dir = this.path('local-rsa')
      const { privateKeyPath } = await generateLocalRsaKeyFiles({
        directory: dir,
        prefix,
        passphrase,
        bits: 2048,
      })
      this.#addPair(`local-${prefix}`, { key: readFileSync(privateKeyPath, 'utf8'), passphrase })
    }
  }

  #addPair(name, privateKey) {
    this.#pairs.set(name, writeKeyFiles(this.path('keys'), name, privateKey))
  }

  /** The master key of that name, as drivers take it. */
  rsa(name, description = []) {
    return { ...this.#pairs.get(name), description }
  }

  kms(options = {}) {
    return { kind: 'kms', keyId: this.kmsKeyIds[0], description: [], ...options }
  }

  otherKms(options = {}) {
    return { kind: 'kms', keyId: this.kmsKeyIds[1], description: [], ...options }
  }

  localRsa(prefix, options = {}) {
    const passphrase = LOCAL_PAIRS[prefix]
    return { kind: 'local-rsa', dir: this.path('local-rsa'), prefix, passphrase, ...options }
  }

  /**
   * A file of random bytes, the same whenever it is asked for.
   *
   * @returns {{ path: string, bytes: Buffer }}
   */
  source(sizeBytes) {
    if (!this.#sources.has(sizeBytes)) {
      const source = { path: this.path(`source-${sizeBytes}`), bytes: randomBytes(sizeBytes) }
      writeFileSync(source.path, source.bytes)
      this.#sources.set(sizeBytes, source)
    }
    return this.#sources.get(sizeBytes)
  }

  stored(key) {
    return this.oss.getStoredObject(BUCKET, key)
  }

  /** Puts an object in the place of another, as somebody does who may write to the bucket. */
  store(key, object) {
    return this.oss.putStoredObject(BUCKET, key, object)
  }

  /** A URL from which an object can be read without a client of OSS. */
  signedUrl(key) {
    this.#client ??= ossClient(this.settings.service)
    return this.#client.signatureUrlV4('GET', 3600, undefined, key)
  }

  async stop() {
    await Promise.all(this.#servers.map((server) => server.close()))
  }
}
