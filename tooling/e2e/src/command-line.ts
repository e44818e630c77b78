import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('bin/oss-cse.js', import.meta.resolve('@oss-cse/cli/package.json')))

/** Where commands keep their checkpoints and compiled code: not where the user's own are. */
const KEPT = mkdtempSync(join(tmpdir(), 'oss-cse-kept-'))
process.once('exit', () => rmSync(KEPT, { recursive: true, force: true }))

/** What a finished command left behind. */
export interface Finished {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** What a command runs with. */
export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly input?: Uint8Array | 'open'
}

const running = new Set<ChildProcess>()

/** Ends what a failed test left running. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Starts `oss-cse` as a process of its own, with nothing of this process's environment but the PATH, and
 * checkpoints of its own. */
export function start(args: readonly string[], options: CommandOptions = {}): ChildProcess {
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], OSS_CSE_CHECKPOINT_DIR: KEPT, XDG_CACHE_HOME: KEPT, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  // A command that fails early does not read its input.
  child.stdin?.on('error', () => {})
  if (options.input !== 'open') child.stdin?.end(options.input ?? '')
  return child
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options: CommandOptions = {}): Promise<Finished> {
  return finish(start(args, options))
}

/** Waits for a started command. */
export async function finish(child: ChildProcess): Promise<Finished> {
  const [stdout, stderr, [code]] = await Promise.all([
    collect(child.stdout),
    collect(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr: stderr.toString() }
}

/** The first line that a command writes to its standard output. */
export async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('The command has no standard output.')
  for await (const line of createInterface({ input: child.stdout })) return line
  throw new Error('The command wrote nothing.')
}

async function collect(stream: Readable | null): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
