import { openPostgresQueue as open } from '@oss-cse/fleet-pgboss'

export { openEmbeddedQueue } from '@oss-cse/fleet-pgboss'

/** Opens a queue with short leases. The lab is told when it is first asked for a shard: the process has then begun its work. */
export const openPostgresQueue = async (options) => {
  const queue = await open({ ...options, leaseSeconds: Number(process.env.LEASE_SECONDS) })
  const { take } = queue
  queue.take = (runId) => {
    queue.take = take
    process.send?.('takes shards')
    return queue.take(runId)
  }
  return queue
}
