/**
 * A range of keys of one run: the unit of work of a fleet. No two shards of a run overlap, and together they cover all
 * keys under the run's prefix, those that exist and those that will. So a key that is created while the run is planned is
 * in exactly one shard too.
 */
export interface Shard {
  /** Its number in the run, from 0, in the order of the keys. */
  readonly index: number
  /** Only keys after this one, in byte order. Absent in the first shard. */
  readonly after?: string | undefined
  /** Only keys up to this one, which is included. Absent in the last shard: it ends where the prefix ends. */
  readonly until?: string | undefined
}

/** Returns the name of a shard, which sorts as the shards do: its number in ten digits. */
export function shardName({ index }: Pick<Shard, 'index'>): string {
  return String(index).padStart(10, '0')
}
