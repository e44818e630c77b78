import { loadEmulator } from '../server/load-emulator.ts'
import { Checks } from './checks.ts'
import type { DemoStep } from './demo-step.ts'
import { formatDuration } from './format.ts'
import { Screen } from './screen.ts'
import { openStage, type StageServers } from './stage.ts'
import { downloadFiles } from './steps/download-files.ts'
import { introduceStage } from './steps/introduce-stage.ts'
import { measureThroughput } from './steps/measure-throughput.ts'
import { readRange } from './steps/read-range.ts'
import { readThreeKeys } from './steps/read-three-keys.ts'
import { showEnvelope } from './steps/show-envelope.ts'
import { showStoredBytes } from './steps/show-stored-bytes.ts'
import { tamper } from './steps/tamper.ts'
import { tryWrongKeys } from './steps/try-wrong-keys.ts'
import { uploadFiles } from './steps/upload-files.ts'
import { useKms } from './steps/use-kms.ts'

/** How the demo is shown. */
interface DemoOptions {
  readonly out: NodeJS.WritableStream
  readonly colour: boolean
}

const STEPS: readonly (readonly [title: string, run: DemoStep])[] = [
  ['A server and a master key', introduceStage],
  ['Encrypt and upload', uploadFiles],
  ['What the server sees', showStoredBytes],
  ['The envelope: what is stored with the letter', showEnvelope],
  ['Download and decrypt', downloadFiles],
  ['Read a range', readRange],
  ['Readers with the wrong key', tryWrongKeys],
  ['Tampering', tamper],
  ['A master key in KMS', useKms],
  ['One bucket, three keys, one reader', readThreeKeys],
  ['Speed', measureThroughput],
]

/**
 * Shows what oss-cse does: encrypts, uploads, downloads and tampers, against servers of its own on this machine.
 * All its files are temporary and removed at the end. If a check fails, the demo prints it and continues.
 *
 * @returns true when every check passed
 * @throws CliError of kind `configuration` when the emulators are not installed
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  // Before any output: a package may be missing.
  const { startOssEmulator } = await loadEmulator('@oss-cse/oss-emulator')
  const { startKmsEmulator } = await loadEmulator('@oss-cse/kms-emulator')
  const screen = new Screen(options.out, options.colour)
  const checks = new Checks(screen)
  const started = performance.now()
  screen.title(
    'oss-cse demo',
    'oss-cse encrypts files on this machine before it uploads them to object storage. Everything below really happens over HTTP. Each ✓ is the result of a comparison.',
  )
  try {
    await runSteps({ startOssEmulator, startKmsEmulator }, screen, checks)
  } catch (error) {
    checks.stopped('The demo stopped', error)
  }
  const passed = checks.failures.length === 0
  screen.blank()
  if (passed) {
    const { bold, dim, green } = screen.colours
    const duration = formatDuration(performance.now() - started)
    screen.closing(`${bold(green(`All ${checks.count} checks passed.`))} ${dim(`(${duration})`)}`)
  } else {
    const { bold, red } = screen.colours
    screen.closing(bold(red(`${checks.failures.length} of ${checks.count} checks failed:`)))
    for (const claim of checks.failures) screen.marked(red('✗'), claim, red)
  }
  screen.blank()
  return passed
}

async function runSteps(servers: StageServers, screen: Screen, checks: Checks): Promise<void> {
  const stage = await openStage(servers)
  try {
    for (const [index, [title, run]] of STEPS.entries()) {
      screen.heading(index + 1, title)
      try {
        await run({ stage, screen, checks })
      } catch (error) {
        checks.stopped(`"${title}" stopped`, error)
      }
    }
  } finally {
    await stage.close()
  }
}
