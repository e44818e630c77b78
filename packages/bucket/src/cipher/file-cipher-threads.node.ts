import { availableParallelism } from 'node:os'
import { FileCipherThread } from './file-cipher-thread.node.ts'

/** Threads without work end after this time, because each holds some memory. */
const IDLE_MS = 30_000

/** A thread of the process, and the number of its borrowers. */
interface Slot {
  readonly starting: Promise<FileCipherThread | undefined>
  thread?: FileCipherThread | undefined
  borrowers: number
}

/** A thread to work with. Return it when the work is done, however it ended. */
export interface BorrowedThread {
  readonly thread: FileCipherThread
  giveBack(): void
}

let slots: Slot[] = []
/** Whether a thread could not start. Then none is tried again. */
let unavailable = false
let idle: NodeJS.Timeout | undefined

/**
 * The number of threads for files on this machine: one core stays free for the calling thread, whose work would otherwise wait
 * for theirs. None where they would have to share the only core.
 */
export function defaultFileThreads(): number {
  return availableParallelism() - 1
}

/**
 * Borrows a thread that reads, encrypts and digests files, or decrypts into them: one without work, or a new one, or the
 * one with the fewest borrowers. All buckets of a process share the threads, because they share the cores.
 *
 * @param most - the most threads to use
 * @returns `undefined` if there shall be none, or if none can start, as in a bundle without the thread's file
 */
export async function borrowThread(most: number): Promise<BorrowedThread | undefined> {
  if (most < 1 || unavailable) return undefined
  clearTimeout(idle)
  slots = slots.filter(({ thread }) => !thread?.isLost)
  const slot = leastUsed(slots.slice(0, most), most) ?? newSlot()
  slot.borrowers += 1
  const giveBack = (): void => {
    slot.borrowers -= 1
    // A lost thread can be given back after the last one of the others, which has started the timer.
    clearTimeout(idle)
    if (slots.every(({ borrowers }) => borrowers === 0)) idle = setTimeout(endAll, IDLE_MS).unref()
  }
  const thread = await slot.starting
  if (thread !== undefined && !thread.isLost) return { thread, giveBack }
  giveBack()
  return thread && borrowThread(most)
}

/** Runs work in a borrowed thread. Returns `undefined` if there is none. */
export async function inThread<Result>(
  most: number,
  work: (thread: FileCipherThread) => Promise<Result>,
): Promise<Result | undefined> {
  const borrowed = await borrowThread(most)
  if (borrowed === undefined) return undefined
  try {
    return await work(borrowed.thread)
  } finally {
    borrowed.giveBack()
  }
}

/** The slot for the next work. `undefined`: a new one. */
function leastUsed(usable: readonly Slot[], most: number): Slot | undefined {
  const [first, ...others] = usable
  if (first === undefined) return undefined
  const least = others.reduce((best, slot) => (slot.borrowers < best.borrowers ? slot : best), first)
  return least.borrowers === 0 || usable.length >= most ? least : undefined
}

function newSlot(): Slot {
  const starting = FileCipherThread.start().catch(() => {
    unavailable = true
    return undefined
  })
  const slot: Slot = { starting, borrowers: 0 }
  void starting.then((thread) => {
    slot.thread = thread
  })
  slots.push(slot)
  return slot
}

function endAll(): void {
  for (const { thread } of slots) void thread?.end()
  slots = []
}
