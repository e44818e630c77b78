import { openPostgresQueue as open } from '@oss-cse/fleet-pgboss'

export { openEmbeddedQueue } from '@oss-cse/fleet-pgboss'

export const openPostgresQueue = (options) =>
  open({ ...options, leaseSeconds: Number(process.env.LEASE_SECONDS) })
