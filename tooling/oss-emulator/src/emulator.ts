import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type SecurityToken, SecurityTokens } from './auth/security-tokens.ts'
import { corsOfOptions } from './cors/cors-options.ts'
import type { OssEmulatorOptions } from './options.ts'
import { AccessLog, type OpenRecord, type RecordedRequest } from './server/access-log.ts'
import { type FaultInjection, FaultPlan } from './server/faults.ts'
import { createOssServer } from './server/oss-server.ts'
import { lockDirectory } from './storage/directory-lock.ts'
import { DiskBlobs } from './storage/disk-blobs.ts'
import { MemoryBlobs } from './storage/memory-blobs.ts'
import { checkBucketName } from './storage/names.ts'
import { ObjectStore } from './storage/object-store.ts'
import { JsonRecordFiles, NO_FILES } from './storage/record-files.ts'
import { newBucketRecord } from './storage/records.ts'
import { readStoredObject, type StoredObject, writeStoredObject } from './storage/stored-object.ts'

/** A running emulator. */
export interface OssEmulator {
  /** `http://localhost:PORT` */
  readonly endpoint: string
  readonly port: number
  readonly accessKeyId: string
  readonly accessKeySecret: string
  /** Without `oss-`. */
  readonly region: string
  /** The names of all current buckets. */
  readonly buckets: readonly string[]
  /** The requests so far, the oldest first. At most `maxRecordedRequests`. */
  readonly requests: readonly RecordedRequest[]
  /** Clears the recorded requests. */
  resetRequests(): void
  /**
   * Adds a valid token, or replaces the expiry of an existing one. The access key becomes a temporary one.
   *
   * @throws Error for an empty token
   */
  addSecurityToken(token: SecurityToken): void
  /** Makes the next matching request fail. If several injections match, the oldest applies. */
  injectFault(injection: FaultInjection): void
  /** Removes the injected faults that have not hit a request yet. */
  clearFaults(): void
  /** The newest version of an object, or `undefined`. Reads all of it into memory. */
  getStoredObject(bucket: string, key: string): Promise<StoredObject | undefined>
  /**
   * Plants an object, or tampers with one. No rule of the service is checked. CRC-64 and ETag match the new bytes.
   * Without `headers` an existing object keeps its own.
   */
  putStoredObject(
    bucket: string,
    key: string,
    object: { readonly bytes: Uint8Array; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<void>
  /** Changes whether a bucket keeps versions, like PutBucketVersioning. */
  setVersioning(bucket: string, versioning: 'Enabled' | 'Suspended'): void
  /** Stops listening and closes open connections. Resolves when all work is done. */
  close(): Promise<void>
}

/**
 * Starts an HTTP server that behaves like Alibaba Cloud OSS. By default it listens on the loopback address only.
 *
 * @example
 * ```ts
 * const emulator = await startOssEmulator({ buckets: ['photos'] })
 * const client = new OSS({
 *   endpoint: emulator.endpoint,
 *   sldEnable: true,
 *   bucket: 'photos',
 *   region: `oss-${emulator.region}`,
 *   accessKeyId: emulator.accessKeyId,
 *   accessKeySecret: emulator.accessKeySecret,
 *   authorizationV4: true,
 * })
 * await client.put('hello.txt', Buffer.from('hello'))
 * await emulator.close()
 * ```
 */
export async function startOssEmulator(options: OssEmulatorOptions = {}): Promise<OssEmulator> {
  const unlock = options.dataDirectory === undefined ? () => {} : lockDirectory(options.dataDirectory)
  try {
    return await start(options, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

async function start(options: OssEmulatorOptions, unlock: () => void): Promise<OssEmulator> {
  const clock = options.clock ?? ((): Date => new Date())
  const account = {
    accessKeyId: options.accessKeyId ?? `LTAI${randomBytes(10).toString('hex')}`,
    accessKeySecret: options.accessKeySecret ?? randomBytes(15).toString('hex'),
    securityTokens: new SecurityTokens([
      ...(options.securityToken === undefined ? [] : [{ token: options.securityToken }]),
      ...(options.securityTokens ?? []),
    ]),
    region: options.region ?? 'cn-hangzhou',
  }
  const cors = options.cors?.length ? corsOfOptions(options.cors) : undefined
  const store = openStore(options.dataDirectory)
  for (const name of options.buckets ?? ['demo']) {
    checkBucketName(name)
    const record = store.bucket(name)?.record
    if (record !== undefined && cors === undefined) continue
    store.saveBucket({ ...(record ?? newBucketRecord(name, clock())), ...(cors && { cors }) })
  }
  const log = options.accessLog === undefined ? undefined : new AccessLog(options.accessLog)
  const faults = new FaultPlan(options.faults)
  const closing = new AbortController()
  const maxRequests = options.maxRecordedRequests ?? 10_000
  let requests: OpenRecord[] = []
  const { server, idle } = createOssServer({
    store,
    account,
    faults,
    clock,
    log,
    cse: {
      strictUploadPartHeaders: false,
      requirePartSizes: true,
      requireAlignedPartSize: true,
      refuseMissingParts: true,
      copyReplaceKeepsEnvelope: true,
      ...options.cse,
    },
    gzip: options.gzip ?? 'get',
    maxListedKeys: options.maxListedKeys ?? 1000,
    cnameBucket: () => options.cnameBucket ?? options.buckets?.[0] ?? store.buckets()[0]?.record.name,
    record: (entry) => {
      requests.push(entry)
      if (requests.length > maxRequests) requests.shift()
    },
    closing: closing.signal,
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    const stopped = new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
    closing.abort()
    server.closeAllConnections()
    await stopped
    await idle()
    await store.close()
    log?.close()
    unlock()
  }
  return {
    endpoint: `http://localhost:${port}`,
    port,
    accessKeyId: account.accessKeyId,
    accessKeySecret: account.accessKeySecret,
    region: account.region,
    get buckets() {
      return store.buckets().map(({ record }) => record.name)
    },
    get requests() {
      return requests
    },
    resetRequests() {
      requests = []
    },
    addSecurityToken: (token) => account.securityTokens.add(token),
    injectFault: (injection) => faults.inject(injection),
    clearFaults: () => faults.clear(),
    getStoredObject: (bucket, key) => readStoredObject(store, bucket, key),
    putStoredObject: (bucket, key, object) => writeStoredObject(store, bucket, key, object, clock()),
    setVersioning(bucket, versioning) {
      const record = store.bucket(bucket)?.record
      if (record === undefined) throw new Error(`The emulator has no bucket "${bucket}".`)
      store.saveBucket({ ...record, versioning })
    },
    close() {
      closed ??= close()
      return closed
    },
  }
}

function openStore(dataDirectory: string | undefined): ObjectStore {
  if (dataDirectory === undefined) return new ObjectStore(new MemoryBlobs(), NO_FILES)
  const blobs = new DiskBlobs(join(dataDirectory, 'blobs'))
  const store = new ObjectStore(blobs, new JsonRecordFiles(dataDirectory))
  blobs.removeAllBut(store.blobsInUse())
  return store
}
