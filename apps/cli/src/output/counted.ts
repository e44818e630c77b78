/**
 * Returns a number and what it counts: `1 shard`, `2 shards`.
 *
 * @param noun - in the singular, and with a regular plural
 */
export function counted(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`
}
