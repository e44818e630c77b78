import { MemoryJobQueue } from '@oss-cse/fleet/testing'
import type { QueuePlace } from '../base/cli-environment.ts'

/** Queues in memory, one for each place. They outlive the command that opened them, as those on disk do. */
export class MemoryQueues {
  readonly #queues = new Map<string, MemoryJobQueue>()

  /** The queue of a place, as another process has it. */
  at(place: string): MemoryJobQueue {
    const queue = this.#queues.get(place) ?? new MemoryJobQueue()
    this.#queues.set(place, queue)
    return queue.connect()
  }

  readonly open = async (place: QueuePlace): Promise<MemoryJobQueue> =>
    this.at('directory' in place ? place.directory : place.address)
}
