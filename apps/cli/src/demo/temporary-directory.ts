import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENDING_SIGNALS } from '../base/ending-signals.ts'

/** A directory that is also removed when the process ends early. */
interface TemporaryDirectory {
  readonly path: string
  remove(): void
}

/** Creates a directory among the system's temporary files. */
export function makeTemporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), 'oss-cse-demo-'))
  const erase = (): void => rmSync(path, { recursive: true, force: true })
  const detach = (): void => {
    process.off('exit', erase)
    for (const signal of ENDING_SIGNALS) process.off(signal, onSignal)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    detach()
    erase()
    // If nobody else handles the signal, the process must end, as without this handler.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  process.on('exit', erase)
  for (const signal of ENDING_SIGNALS) process.on(signal, onSignal)
  return {
    path,
    remove: () => {
      detach()
      erase()
    },
  }
}
