import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CryptoBucket } from '@oss-cse/bucket'
import type { startKmsEmulator } from '@oss-cse/kms-emulator'
import type { OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import {
  generateLocalRsaKeyFiles,
  generateRsaKeyPair,
  LocalRsaProvider,
  RsaProvider,
} from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'
import { type KeyService, openKeyService } from './key-service.ts'
import { type SourceFile, writeLetter, writeNoise } from './source-files.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'

/** The name of the one bucket on the server. */
export const BUCKET = 'demo'
/** The name of the demo's master key, in the envelopes. */
export const MASTER_KEY_NAME = { key: 'demo' } as const
const NOISE_MEBIBYTES = 64

/** Everything that the steps of the demo use. */
export interface Stage {
  /** A server in this process, reached over HTTP. */
  readonly emulator: OssEmulator
  /** Sends bytes to the server without encryption. */
  readonly transport: OssTransport
  /** The master key, both halves. */
  readonly provider: RsaProvider
  /** Another RSA key, in key files of oss2. It writes the format of oss2 2.10. */
  readonly localProvider: LocalRsaProvider
  /** A KMS emulator in this process, and the master key in it. */
  readonly kms: KeyService
  /** How long the generation of the key pair took, in milliseconds. */
  readonly keyPairMs: number
  /** Encrypts and decrypts. */
  readonly bucket: CryptoBucket
  /** A short text. */
  readonly letter: SourceFile
  /** A large binary. */
  readonly noise: SourceFile
  /** Where downloads go. */
  readonly downloadDirectory: string
  /** Stops the servers and removes every file. */
  close(): Promise<void>
}

/** The functions that start the servers. */
export interface StageServers {
  readonly startOssEmulator: typeof startOssEmulator
  readonly startKmsEmulator: typeof startKmsEmulator
}

/** Starts the servers, and creates new temporary keys and files. */
export async function openStage(servers: StageServers): Promise<Stage> {
  const directory = makeTemporaryDirectory()
  let emulator: OssEmulator | undefined
  let kms: KeyService | undefined
  const close = async (): Promise<void> => {
    try {
      await Promise.all([emulator?.close(), kms?.close()])
    } finally {
      directory.remove()
    }
  }
  try {
    const downloadDirectory = join(directory.path, 'downloads')
    await mkdir(downloadDirectory)
    emulator = await servers.startOssEmulator({
      buckets: [BUCKET],
      dataDirectory: join(directory.path, 'server'),
    })
    kms = await openKeyService(servers.startKmsEmulator)
    const transport = connect(emulator, emulator.accessKeySecret)
    const started = performance.now()
    const { privateKey } = await generateRsaKeyPair()
    const keyPairMs = performance.now() - started
    const provider = new RsaProvider({ privateKey, materialDescription: MASTER_KEY_NAME })
    const localKeys = join(directory.path, 'oss2-keys')
    await generateLocalRsaKeyFiles({ directory: localKeys })
    return {
      emulator,
      transport,
      provider,
      localProvider: new LocalRsaProvider({ directory: localKeys, format: 'v1' }),
      kms,
      keyPairMs,
      bucket: new CryptoBucket({ transport, provider }),
      letter: await writeLetter(directory.path),
      noise: await writeNoise(directory.path, NOISE_MEBIBYTES),
      downloadDirectory,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** A connection to the server that signs with this secret. */
export function connect(emulator: OssEmulator, accessKeySecret: string): OssTransport {
  const { endpoint, region, accessKeyId } = emulator
  return new OssTransport({ bucket: BUCKET, region, endpoint, accessKeyId, accessKeySecret })
}
