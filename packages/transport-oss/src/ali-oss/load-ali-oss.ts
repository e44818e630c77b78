import { CseError } from '@oss-cse/crypto-core'
import type OSS from 'ali-oss'

/** The class of ali-oss, without an instance. */
export type AliOss = typeof OSS

/**
 * Loads ali-oss. It is loaded when a call needs it, not with the transport: loading it takes longer than all else that
 * a program does that reads one object.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if it is not installed
 */
export async function loadAliOss(
  load: () => Promise<{ readonly default: AliOss }> = () => import('ali-oss'),
): Promise<AliOss> {
  try {
    return (await load()).default
  } catch (cause) {
    const missing = (cause as { code?: unknown } | undefined)?.code === 'ERR_MODULE_NOT_FOUND'
    const message = missing
      ? 'This call needs the package ali-oss. Install it: npm install ali-oss@6'
      : 'ali-oss could not be loaded. See the cause.'
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', message, { cause })
  }
}
