import { randomBytes } from 'node:crypto'
import { CryptoBucket, type CryptoBucketOptions } from '@oss-cse/bucket'
import { type OssEmulator, type OssEmulatorOptions, startOssEmulator } from '@oss-cse/oss-emulator'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import { type OssConnectionOptions, OssTransport } from '@oss-cse/transport-oss'

/** One key pair for the whole suite: making one takes as long as many tests. */
export const keyPair: Awaited<ReturnType<typeof generateRsaKeyPair>> = await generateRsaKeyPair({
  bits: 2048,
})

/** The emulator's first bucket through ali-oss. */
export function transportOf(
  emulator: OssEmulator,
  options: Partial<OssConnectionOptions> = {},
): OssTransport {
  const { endpoint, accessKeyId, accessKeySecret, region, buckets } = emulator
  return new OssTransport({
    bucket: buckets[0] ?? 'demo',
    endpoint,
    region,
    accessKeyId,
    accessKeySecret,
    ...options,
  })
}

/** The emulator's first bucket, encrypted under the suite's key pair. */
export function bucketOf(
  emulator: OssEmulator,
  connection: Partial<OssConnectionOptions> = {},
  options: Partial<CryptoBucketOptions> = {},
): CryptoBucket {
  return new CryptoBucket({
    transport: transportOf(emulator, connection),
    ...(options.keyring === undefined && {
      provider: new RsaProvider({ privateKey: keyPair.privateKey }),
    }),
    retry: { minDelayMs: 1, maxDelayMs: 20 },
    ...options,
  })
}

/** Starts an emulator, runs, and stops it whatever happens. */
export async function withEmulator<Result>(
  run: (emulator: OssEmulator) => Promise<Result>,
  options: OssEmulatorOptions = {},
): Promise<Result> {
  const emulator = await startOssEmulator(options)
  try {
    return await run(emulator)
  } finally {
    await emulator.close()
  }
}

export function random(sizeBytes: number): Uint8Array {
  return new Uint8Array(randomBytes(sizeBytes))
}
