/** A worker in a process of its own: it does what its parent says, one message at a time. `worker.ts` starts it. */
import { CseError } from '@oss-cse/crypto-core'
import type { TakenShard } from '@oss-cse/fleet'
import { openEmbeddedQueue, openPostgresQueue, type PgBossJobQueue } from '../src/index.ts'
import type { WorkerOrder, WorkerReport } from './worker.ts'

let queue: PgBossJobQueue
let held: TakenShard | undefined

const actions: { readonly [Name in WorkerOrder['order']]: (order: WorkerOrder) => Promise<WorkerReport> } = {
  async open(order) {
    if (order.order !== 'open') throw new TypeError(order.order)
    queue = await ('directory' in order.options
      ? openEmbeddedQueue(order.options)
      : openPostgresQueue(order.options))
    return { report: 'open' }
  },
  async take(order) {
    if (order.order !== 'take') throw new TypeError(order.order)
    held = await queue.take(order.runId)
    held?.leaseLost.addEventListener('abort', () => tell({ report: 'lease lost' }))
    return { report: 'taken', index: held?.shard.index }
  },
  async complete() {
    for (;;) {
      try {
        await held?.complete({ objects: 1, bytes: 10 })
        return { report: 'completed' }
      } catch (error) {
        if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_QUEUE') throw error
      }
    }
  },
}

process.on('message', (order: WorkerOrder) => {
  actions[order.order](order).then(tell, (error: Error) =>
    tell({ report: 'failed', code: CseError.isInstance(error) ? error.code : error.stack }),
  )
})
process.on('disconnect', () => process.exit())

function tell(report: WorkerReport): void {
  process.send?.(report)
}
