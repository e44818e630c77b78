import { readFileSync } from 'node:fs'
import { CryptoBucket } from '@oss-cse/bucket'
import { RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'

/** As many on any machine. */
const WORKERS = 2

/**
 * A bucket whose large files are transferred by worker threads.
 *
 * @param {ReturnType<() => import('./site.js').Site['access']>} access
 * @param {Pick<import('@oss-cse/bucket').CryptoBucketOptions, 'format' | 'logger' | 'retry'> & { idleTimeoutMs?: number }}
 * [options] - with `format: 'sealed'` it accepts nothing else
 */
export function openBucket({ keyFile, ...account }, { idleTimeoutMs, ...options } = {}) {
  return new CryptoBucket({
    transport: new OssTransport({ ...account, ...(idleTimeoutMs && { idleTimeoutMs }) }),
    provider: new RsaProvider({ privateKey: readFileSync(keyFile, 'utf8') }),
    fileWorkers: WORKERS,
    ...(options.format === 'sealed' && { accept: 'sealed' }),
    ...options,
  })
}
