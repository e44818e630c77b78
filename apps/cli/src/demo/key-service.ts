import type { KmsEmulator, startKmsEmulator } from '@oss-cse/kms-emulator'
import { AlicloudKms, KmsProvider } from '@oss-cse/provider-kms'
import { openWiretap, type Wiretap } from './wiretap.ts'

/** The name of the key in KMS, in the envelopes. */
const KMS_KEY_NAME = { key: 'kms' } as const
/** How long each response of KMS takes, in milliseconds: long enough to show that two requests run at the same time. */
const LATENCY_MS = 40

/** A KMS emulator in this process, and its key as a master key. */
export interface KeyService {
  readonly emulator: KmsEmulator
  /** Everything that is sent to it. */
  readonly wiretap: Wiretap
  readonly provider: KmsProvider
  /** Stops it. */
  close(): Promise<void>
}

/**
 * Starts a KMS emulator with one new, temporary key.
 *
 * @param start - starts the emulator
 */
export async function openKeyService(start: typeof startKmsEmulator): Promise<KeyService> {
  const emulator = await start({ latencyMs: LATENCY_MS })
  let wiretap: Wiretap | undefined
  const close = async (): Promise<void> => {
    await wiretap?.close()
    await emulator.close()
  }
  try {
    wiretap = await openWiretap(emulator.port)
    const { region, accessKeyId, accessKeySecret, keyId } = emulator
    const client = new AlicloudKms({
      region,
      endpoint: `http://127.0.0.1:${wiretap.port}`,
      accessKeyId,
      accessKeySecret,
    })
    const provider = new KmsProvider({ client, keyId, materialDescription: KMS_KEY_NAME })
    return { emulator, wiretap, provider, close }
  } catch (error) {
    await close()
    throw error
  }
}
