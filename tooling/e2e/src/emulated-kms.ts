import { formatV1Start, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { type KmsEmulator, type KmsEmulatorOptions, startKmsEmulator } from '@oss-cse/kms-emulator'
import type { OssEmulator } from '@oss-cse/oss-emulator'
import {
  AlicloudKms,
  type AlicloudKmsConnectionOptions,
  KmsProvider,
  type KmsProviderOptions,
} from '@oss-cse/provider-kms'
import { withEmulator } from './emulated-bucket.ts'

/** The emulator's KMS through `@alicloud/kms20160120`. */
export function kmsOf(
  emulator: KmsEmulator,
  options: Partial<AlicloudKmsConnectionOptions> = {},
): AlicloudKms {
  const { region, endpoint, accessKeyId, accessKeySecret } = emulator
  return new AlicloudKms({ region, endpoint, accessKeyId, accessKeySecret, timeoutMs: 5000, ...options })
}

/** The emulator's first key. */
export function kmsProviderOf(emulator: KmsEmulator, options: Partial<KmsProviderOptions> = {}): KmsProvider {
  return new KmsProvider({
    client: kmsOf(emulator),
    keyId: emulator.keyId,
    retry: { minDelayMs: 1, maxDelayMs: 5 },
    ...options,
  })
}

/** A provider that writes what oss2 2.5 to 2.10 wrote under a KMS key: the blobs as they are, the start as decimal text. */
export function kmsV1ProviderOf(emulator: KmsEmulator, keyId: string = emulator.keyId): MasterKeyProvider {
  const client = kmsOf(emulator)
  const provider = kmsProviderOf(emulator, { keyId })
  return {
    wrapAlgorithm: 'kms',
    envelopeVersion: 1,
    materialDescription: {},
    unwrap: (envelope, options) => provider.unwrap(envelope, options),
    async generateContentKey(iv) {
      const made = await client.generateDataKey({ keyId })
      const start = await client.encrypt({ keyId, plaintext: formatV1Start(iv) })
      const cek = Uint8Array.from(Buffer.from(made.plaintext, 'base64'))
      return { cek, wrappedCek: made.ciphertextBlob, wrappedIv: start.ciphertextBlob }
    },
  }
}

/** Starts both emulators, runs, and stops them whatever happens. */
export async function withKms<Result>(
  run: (kms: KmsEmulator, oss: OssEmulator) => Promise<Result>,
  options: KmsEmulatorOptions = {},
): Promise<Result> {
  const kms = await startKmsEmulator(options)
  try {
    return await withEmulator((oss) => run(kms, oss))
  } finally {
    await kms.close()
  }
}
