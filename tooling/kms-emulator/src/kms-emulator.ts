import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { AcceptedCredentials, type KmsCredentials } from './accepted-credentials.ts'
import { AccessLog, type OpenRecord, type RecordedRequest } from './access-log.ts'
import { type FaultInjection, FaultPlan } from './faults.ts'
import { JsonKeyFiles, MemoryKeyFiles } from './key-files.ts'
import { scheduleDeletion, setEnabled } from './key-states.ts'
import { KeyStore } from './key-store.ts'
import type { KmsEmulatorOptions } from './options.ts'
import { createKmsServer } from './server.ts'
import { openTlsFiles } from './tls-files.ts'
import { UsedNonces } from './used-nonces.ts'

const DEFAULT_PENDING_DAYS = 7

/** A new key. */
export interface CreatedKey {
  readonly keyId: string
  /** `acs:kms:REGION:ACCOUNT:key/ID` */
  readonly arn: string
}

/** A running emulator. Name keys by id, ARN or alias. */
export interface KmsEmulator {
  /** `http://127.0.0.1:PORT`, or `https://127.0.0.1:PORT` with `tls`. */
  readonly endpoint: string
  readonly port: number
  readonly region: string
  /** The current access key id. */
  readonly accessKeyId: string
  /** The current secret. */
  readonly accessKeySecret: string
  /** With `tls`: the path of the CA's certificate in PEM. */
  readonly caFile?: string
  /** A symmetric key that exists from the start. With `dataDirectory`, it is the same after a restart. */
  readonly keyId: string
  /** The requests so far, the oldest first. */
  readonly requests: readonly RecordedRequest[]
  /** Forgets the recorded requests. */
  resetRequests(): void
  /** Sets the delay of each response from now on, in milliseconds. */
  setLatency(ms: number): void
  /**
   * Replaces the accepted credentials. Requests with a token that was accepted before then get
   * `InvalidSecurityToken.Expired`.
   */
  setCredentials(credentials: KmsCredentials): void
  /** Lets the current security token expire, until `setCredentials`. @throws Error if there is none */
  expireSecurityToken(): void
  /** Makes the next matching request fail. Injections are tried in their order. */
  injectFault(injection: FaultInjection): void
  createKey(options?: { readonly description?: string }): Promise<CreatedKey>
  enableKey(keyId: string): Promise<void>
  disableKey(keyId: string): Promise<void>
  /** Schedules the deletion of a key in 7 days. With `immediately`, deletes it at once. */
  deleteKey(keyId: string, options?: { readonly immediately?: boolean }): Promise<void>
  /** Adds a key version, which encrypts from now on. Blobs of the old versions can still be decrypted. */
  rotateKey(keyId: string): Promise<{ readonly keyVersionId: string }>
  /** Stops listening, cuts open connections, and resolves when each request is done. */
  close(): Promise<void>
}

/**
 * Starts a server that behaves like Alibaba Cloud KMS. It listens only on the loopback address, unless you pass `host`.
 *
 * @example
 * ```ts
 * const emulator = await startKmsEmulator()
 * const client = new kms.default({
 *   protocol: 'http',
 *   endpoint: `127.0.0.1:${emulator.port}`,
 *   regionId: emulator.region,
 *   accessKeyId: emulator.accessKeyId,
 *   accessKeySecret: emulator.accessKeySecret,
 * })
 * const { plaintext } = await client.generateDataKey(new kms.GenerateDataKeyRequest({ keyId: emulator.keyId }))
 * await emulator.close()
 * ```
 */
export async function startKmsEmulator(options: KmsEmulatorOptions = {}): Promise<KmsEmulator> {
  const clock = options.clock ?? ((): Date => new Date())
  const host = options.host ?? '127.0.0.1'
  const region = options.region ?? 'cn-hangzhou'
  const credentials = new AcceptedCredentials({
    accessKeyId: options.accessKeyId ?? `LTAI${randomBytes(10).toString('hex')}`,
    accessKeySecret: options.accessKeySecret ?? randomBytes(15).toString('hex'),
    ...(options.securityToken === undefined ? {} : { securityToken: options.securityToken }),
  })
  const files =
    options.dataDirectory === undefined ? new MemoryKeyFiles() : new JsonKeyFiles(options.dataDirectory)
  const store = new KeyStore(files, region, clock)
  const first =
    store.list().find(({ isFirst, state }) => isFirst && state !== 'PendingDeletion') ??
    store.create({ description: '', protectionLevel: 'SOFTWARE', isFirst: true })
  const faults = new FaultPlan()
  const maxRequests = options.maxRecordedRequests ?? 10_000
  let requests: OpenRecord[] = []
  let latencyMs = options.latencyMs ?? 0
  const log = options.accessLog === undefined ? undefined : new AccessLog(options.accessLog)
  const tls = options.tls ? await openTlsFiles(options.dataDirectory) : undefined
  const { server, close: closeServer } = createKmsServer({
    store,
    credentials,
    nonces: new UsedNonces(),
    faults,
    clock,
    latencyMs: () => latencyMs,
    log,
    record: (entry) => {
      requests.push(entry)
      if (requests.length > maxRequests) requests.shift()
    },
    tls: tls?.identity,
  })
  const release = (): void => {
    log?.close()
    tls?.cleanUp()
  }
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port ?? 0, host, resolve)
    })
  } catch (error) {
    release()
    throw error
  }
  const { port } = server.address() as AddressInfo
  let closed: Promise<void> | undefined
  return {
    endpoint: `${tls === undefined ? 'http' : 'https'}://${reachable(host)}:${port}`,
    port,
    region,
    get accessKeyId() {
      return credentials.present.accessKeyId
    },
    get accessKeySecret() {
      return credentials.present.accessKeySecret
    },
    ...(tls === undefined ? {} : { caFile: tls.caFile }),
    keyId: first.keyId,
    get requests() {
      return requests
    },
    resetRequests() {
      requests = []
    },
    setLatency(ms) {
      latencyMs = ms
    },
    setCredentials: (next) => credentials.replace(next),
    expireSecurityToken: () => credentials.expireToken(),
    injectFault: (injection) => faults.inject(injection),
    async createKey(properties = {}) {
      const { keyId } = store.create({
        description: properties.description ?? '',
        protectionLevel: 'SOFTWARE',
        isFirst: false,
      })
      return { keyId, arn: store.arn(keyId) }
    },
    async enableKey(keyId) {
      setEnabled(store, store.find(keyId), true)
    },
    async disableKey(keyId) {
      setEnabled(store, store.find(keyId), false)
    },
    async deleteKey(keyId, { immediately = false } = {}) {
      const key = store.find(keyId)
      if (immediately) store.remove(key)
      else scheduleDeletion(store, key, DEFAULT_PENDING_DAYS, clock())
    },
    async rotateKey(keyId) {
      return { keyVersionId: store.rotate(store.find(keyId)).versionId }
    },
    close() {
      closed ??= closeServer().finally(release)
      return closed
    },
  }
}

/** Returns the address at which clients of this machine reach a server that listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
