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
