import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { CryptoBucket, type CryptoBucketOptions } from '../src/crypto-bucket.ts'
import type { LogEvent } from '../src/policy/retry.ts'

/** A bucket over a transport, with its log. */
interface LoggedBucket<Transport> {
  readonly transport: Transport
  readonly bucket: CryptoBucket
  readonly log: LogEvent[]
}

/** A bucket over a transport in memory, which retries at once, with its log. */
export function memoryBucket<Transport extends MemoryTransport>(
  options: Partial<CryptoBucketOptions> & { readonly transport: Transport },
): LoggedBucket<Transport>
export function memoryBucket(options?: Partial<CryptoBucketOptions>): LoggedBucket<MemoryTransport>
export function memoryBucket(
  options: Partial<CryptoBucketOptions> = {},
): LoggedBucket<CryptoBucketOptions['transport']> {
  const { transport = new MemoryTransport() } = options
  const log: LogEvent[] = []
  const bucket = new CryptoBucket({
    ...(options.keyring === undefined && { provider: createTestProvider() }),
    retry: { minDelayMs: 0, maxDelayMs: 0 },
    logger: (event) => log.push(event),
    ...options,
    transport,
  })
  return { transport, bucket, log }
}
