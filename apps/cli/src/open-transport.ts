import { CseError } from '@oss-cse/crypto-core'
import type { CliTransport } from './cli-environment.ts'
import { configurationError } from './cli-error.ts'
import { inWords, SERVER_WORDS } from './library-words.ts'
import type { ServerConfig } from './server-config.ts'

/**
 * Makes a transport on ali-oss, which is loaded only now because that takes a while.
 *
 * @throws CliError of kind `configuration` for an endpoint or region that cannot be used
 */
export async function openTransport(server: ServerConfig, bucket: string): Promise<CliTransport> {
  const { OssTransport } = await import('@oss-cse/transport-oss')
  try {
    return new OssTransport({ bucket, ...server })
  } catch (error) {
    if (!CseError.isInstance(error)) throw error
    throw configurationError(inWords(error.message, SERVER_WORDS), error)
  }
}
