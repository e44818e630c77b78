import { resolve } from 'node:path'
import type { KmsEmulator } from '@oss-cse/kms-emulator'
import type { OssEmulator, OssEmulatorOptions, SecurityToken } from '@oss-cse/oss-emulator'
import { loadEmulator } from './load-emulator.ts'

/** What the emulators are started with: OSS's options, and KMS where it is wanted. */
export interface EmulatorSettings
  extends Omit<OssEmulatorOptions, 'clock' | 'securityToken' | 'securityTokens'> {
  /** Makes the access key of both a temporary one. */
  readonly securityToken?: SecurityToken
  readonly kms?: { readonly port: number; readonly tls: boolean }
}

/** The emulators of one command. */
export interface RunningEmulators {
  readonly oss: OssEmulator
  readonly kms: KmsEmulator | undefined
  readonly securityToken: SecurityToken | undefined
  /** Stops both. */
  close(): Promise<void>
}

/** Starts OSS's emulator, and KMS's beside it: the same host, region and access key, keys below the same directory. */
export async function startEmulators({
  kms,
  securityToken,
  ...options
}: EmulatorSettings): Promise<RunningEmulators> {
  // Both before either starts: a package may not be installed.
  const { startOssEmulator } = await loadEmulator('@oss-cse/oss-emulator')
  const kmsEmulator = kms && (await loadEmulator('@oss-cse/kms-emulator'))
  const oss = await startOssEmulator({
    ...options,
    ...(securityToken && { securityTokens: [securityToken] }),
  })
  if (kmsEmulator === undefined) return { oss, kms: undefined, securityToken, close: () => oss.close() }
  try {
    const { host } = options
    // Other shells are told where the CA is, and stand elsewhere.
    const dataDirectory =
      options.dataDirectory === undefined ? undefined : resolve(options.dataDirectory, 'kms')
    const { region, accessKeyId, accessKeySecret } = oss
    const running = await kmsEmulator.startKmsEmulator({
      ...kms,
      ...(host !== undefined && { host }),
      ...(dataDirectory !== undefined && { dataDirectory }),
      region,
      accessKeyId,
      accessKeySecret,
      ...(securityToken && { securityToken: securityToken.token }),
    })
    const expiry = expireLater(running, securityToken?.expiresAt)
    const close = async (): Promise<void> => {
      clearTimeout(expiry)
      await Promise.all([oss.close(), running.close()])
    }
    return { oss, kms: running, securityToken, close }
  } catch (error) {
    await oss.close()
    throw error
  }
}

/** KMS's emulator is told when its token expires; OSS's knows it beforehand. */
function expireLater(kms: KmsEmulator, expiresAt: Date | undefined): NodeJS.Timeout | undefined {
  if (expiresAt === undefined) return undefined
  return setTimeout(() => kms.expireSecurityToken(), expiresAt.getTime() - Date.now())
}
