import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENDING_SIGNALS } from '../base/ending-signals.ts'

/** A directory that goes when it is removed, and also when the process ends before. */
interface TemporaryDirectory {
  readonly path: string
  remove(): void
}

/** Makes a directory among the system's temporary files. */
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
    // Nobody else handles it: then the process ends, as it would have without this handler.
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
