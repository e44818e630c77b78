import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { CryptoBucket, type CryptoBucketOptions } from '../src/crypto-bucket.ts'
import type { LogEvent } from '../src/policy/retry.ts'

/** A bucket over a transport in memory, which retries at once, with its log. */
export function memoryBucket(options: Partial<CryptoBucketOptions> = {}): {
  readonly transport: MemoryTransport
  readonly bucket: CryptoBucket
  readonly log: LogEvent[]
} {
  const transport = new MemoryTransport()
  const log: LogEvent[] = []
  const bucket = new CryptoBucket({
    transport,
    ...(options.keyring === undefined && { provider: createTestProvider() }),
    retry: { minDelayMs: 0, maxDelayMs: 0 },
    logger: (event) => log.push(event),
    ...options,
  })
  return { transport, bucket, log }
}
