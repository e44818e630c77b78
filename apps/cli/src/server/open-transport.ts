import { CseError } from '@oss-cse/crypto-core'
import type { CliTransport } from '../base/cli-environment.ts'
import { configurationError } from '../base/cli-error.ts'
import type { ServerConfig } from '../base/server-config.ts'
import { inWords, SERVER_WORDS } from '../output/library-words.ts'

/**
 * Creates a transport on ali-oss. It is imported here, because it takes a while to load.
 *
 * @throws CliError of kind `configuration` for an invalid endpoint or region
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
