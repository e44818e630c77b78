import type { ConstructorOptions } from 'pg-boss'

/**
 * The options of pg-boss that both kinds of database share.
 *
 * pg-boss only looks for ended leases in its monitor pass. Both of its intervals are a minute by default, which would
 * leave the shards of a killed worker alone for more than a minute after their lease.
 */
export function bossOptions(schema: string, leaseSeconds: number): ConstructorOptions {
  const passSeconds = Math.max(1, Math.floor(leaseSeconds / 5))
  return {
    schema,
    superviseIntervalSeconds: passSeconds,
    monitorIntervalSeconds: passSeconds,
    // The queue stores what it needs, and nothing about machines and processes.
    registerInstance: false,
    openTelemetry: { enabled: false },
    // There are no scheduled jobs.
    schedule: false,
  }
}
