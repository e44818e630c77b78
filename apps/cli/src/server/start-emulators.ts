import { resolve } from 'node:path'
import type { KmsEmulator } from '@oss-cse/kms-emulator'
import type { OssEmulator, OssEmulatorOptions, SecurityToken } from '@oss-cse/oss-emulator'
import { loadEmulator } from './load-emulator.ts'

/** The settings of the emulators: the options of OSS and, if wanted, of KMS. */
export interface EmulatorSettings
  extends Omit<OssEmulatorOptions, 'clock' | 'securityToken' | 'securityTokens'> {
  /** Makes the access key of both emulators a temporary one. */
  readonly securityToken?: SecurityToken
  /** How far the clocks of both emulators are ahead of this machine's, in milliseconds. Default 0. */
  readonly clockOffsetMs?: number
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

/** Starts the emulators of OSS and, if wanted, of KMS, with the same host, region, access key and data directory. */
export async function startEmulators({
  kms,
  securityToken,
  clockOffsetMs = 0,
  ...options
}: EmulatorSettings): Promise<RunningEmulators> {
  const clock = (): Date => new Date(Date.now() + clockOffsetMs)
  // Both are loaded before either starts: a package may be missing.
  const { startOssEmulator } = await loadEmulator('@oss-cse/oss-emulator')
  const kmsEmulator = kms && (await loadEmulator('@oss-cse/kms-emulator'))
  const oss = await startOssEmulator({
    ...options,
    clock,
    ...(securityToken && { securityTokens: [securityToken] }),
  })
  if (kmsEmulator === undefined) return { oss, kms: undefined, securityToken, close: () => oss.close() }
  try {
    const { host } = options
    // The CA's path is pasted into other shells, which may be in another directory.
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
      clock,
      ...(securityToken && { securityToken: securityToken.token }),
    })
    const expiry = expireLater(running, securityToken?.expiresAt, clock)
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

/** The emulator of KMS must be told when its token expires. The emulator of OSS knows it from the start. */
function expireLater(
  kms: KmsEmulator,
  expiresAt: Date | undefined,
  clock: () => Date,
): NodeJS.Timeout | undefined {
  if (expiresAt === undefined) return undefined
  return setTimeout(() => kms.expireSecurityToken(), expiresAt.getTime() - clock().getTime())
}
