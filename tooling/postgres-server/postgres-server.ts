import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

/** A PostgreSQL server of its own, on a unix socket in a temporary directory. */
export interface PostgresServer {
  /** For the superuser `postgres`, whose password is `postgresPassword`, and the database `postgres`. */
  readonly connectionString: string
  /** Stops the server as an operator does: connections are closed at once. */
  stop(): Promise<void>
  /** Starts it again on the same data. */
  start(): Promise<void>
  /** Stops it and removes its data. */
  remove(): Promise<void>
}

/** The password of the superuser. It has characters that a connection string must escape. */
export const postgresPassword = 'geheim&100%/@'

/** The user that runs the server where this process is root: PostgreSQL refuses root. On Linux it is `nobody`. */
const NOBODY = { uid: 65534, gid: 65534 }

/**
 * Returns where the programs of PostgreSQL are: in the path, or where Debian puts them. `undefined` where it is not
 * installed.
 */
export function postgresPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const directories = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ]
  return directories.find((directory) => existsSync(join(directory, 'initdb')))
}

/** Creates a database and starts a server for it. */
export async function startPostgres(): Promise<PostgresServer> {
  const programs = postgresPrograms()
  if (programs === undefined) throw new Error('PostgreSQL is not installed: there is no initdb.')
  // Short: the path of a unix socket has 107 bytes at most.
  const directory = await mkdtemp('/tmp/postgres-')
  const user = process.getuid?.() === 0 ? NOBODY : undefined
  if (user !== undefined) await chown(directory, user.uid, user.gid)
  const options = { ...user, cwd: directory, env: { LC_ALL: 'C' } }
  const data = join(directory, 'data')
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, postgresPassword)
  await promisify(execFile)(
    join(programs, 'initdb'),
    ['--no-sync', '--auth=scram-sha-256', '--username=postgres', `--pwfile=${passwordFile}`, data],
    options,
  )

  let server: ChildProcess | undefined
  const stopAtExit = () => server?.kill('SIGINT')
  process.once('exit', stopAtExit)
  const start = async () => {
    const started = spawn(
      join(programs, 'postgres'),
      ['-D', data, '-k', directory, '-c', 'listen_addresses=', '-c', 'fsync=off'],
      { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    server = started
    const log = createInterface(started.stderr)
    const lines: string[] = []
    await new Promise<void>((resolve, reject) => {
      log.on('line', (line) => {
        lines.push(line)
        if (line.includes('database system is ready to accept connections')) resolve()
      })
      started.once('error', reject)
      started.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${lines.join('\n')}`)))
    })
  }
  const stop = async () => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill('SIGINT')
    await exited
  }
  await start()
  const password = encodeURIComponent(postgresPassword)
  return {
    connectionString: `postgres://postgres:${password}@/postgres?host=${directory}`,
    start,
    stop,
    async remove() {
      await stop()
      process.off('exit', stopAtExit)
      await rm(directory, { recursive: true, force: true })
    },
  }
}
