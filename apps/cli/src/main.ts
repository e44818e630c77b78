import { ENDING_SIGNALS } from './base/ending-signals.ts'
import { runCli } from './program/run-cli.ts'
import { findCredentialsChain } from './server/credentials-chain.ts'
import { openTransport } from './server/open-transport.ts'

/** How long an interrupted process waits for what is still under way, in milliseconds. */
const GRACE_MS = 200

// Libraries' deprecation warnings are not for whoever uses the tool.
if (!process.env['OSS_CSE_DEBUG']) process.noDeprecation = true

const interrupt = new AbortController()
for (const signal of ENDING_SIGNALS) {
  process.on(signal, () => {
    // A second one does not wait.
    if (interrupt.signal.aborted) process.exit(130)
    interrupt.abort()
  })
}
// Each write reports its own failure; one that nobody waits for must not end the process with a stack.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupt.signal,
  openTransport,
  credentialsChain: findCredentialsChain(),
})
// Nothing that is left over, such as a terminal that could still be read, may keep the process.
process.stdin.destroy()
if (interrupt.signal.aborted) setTimeout(endNow, GRACE_MS).unref()

/** Ends what an interrupted command could not stop. */
function endNow(): void {
  // Output that nobody takes.
  if (process.stdout.writableLength > 0) process.exit()
  // Work on a thread, such as making a large key, for which process.exit() would wait. Shells call this 130 too.
  process.removeAllListeners('SIGINT')
  process.kill(process.pid, 'SIGINT')
}
