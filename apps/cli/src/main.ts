import { ENDING_SIGNALS } from './base/ending-signals.ts'
import { EXIT } from './output/exit-codes.ts'
import { runCli } from './program/run-cli.ts'
import { findCredentialsChain } from './server/credentials-chain.ts'
import { openTransport } from './server/open-transport.ts'

/** How long an interrupted process waits for work that is still running, in milliseconds. */
const GRACE_MS = 200

/** Runs the command that the arguments of this process name, and sets its exit code. */
export async function main(): Promise<void> {
  // Users of the tool need no deprecation warnings of libraries.
  if (!process.env['OSS_CSE_DEBUG']) process.noDeprecation = true

  const interrupt = new AbortController()
  for (const signal of ENDING_SIGNALS) {
    process.on(signal, () => {
      // A second signal does not wait.
      if (interrupt.signal.aborted) process.exit(130)
      interrupt.abort()
    })
  }
  // Each write reports its own error. An error of a write that nobody waits for must not end the process with a stack.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})

  // If the event loop runs empty before the command ends, that is a failure and not a success.
  process.exitCode = EXIT.other
  process.exitCode = await runCli(process.argv.slice(2), {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: interrupt.signal,
    openTransport,
    openJobQueue: async (place) => (await import('./fleet/open-queue.ts')).openQueue(place, interrupt.signal),
    credentialsChain: findCredentialsChain(),
  })
  // Open input, such as a terminal, must not keep the process running.
  process.stdin.destroy()
  if (interrupt.signal.aborted) setTimeout(endNow, GRACE_MS).unref()
}

/** Ends work that an interrupted command could not stop. */
function endNow(): void {
  // Nobody reads the output.
  if (process.stdout.writableLength > 0) process.exit()
  // process.exit() would wait for work on a thread, such as the generation of a large key. Shells report this as 130 too.
  process.removeAllListeners('SIGINT')
  process.kill(process.pid, 'SIGINT')
}
