import { type PostgresServer, postgresPrograms, startPostgres } from '@oss-cse/postgres-server'
import { afterAll, beforeAll, describe, test } from 'vitest'

/**
 * Declares tests that need a PostgreSQL server, which they share. Where PostgreSQL is not installed they are skipped, but
 * not in CI: there they fail.
 */
export function describeOnPostgres(name: string, declare: (server: () => PostgresServer) => void): void {
  if (postgresPrograms() === undefined && process.env['CI'] === undefined) {
    console.warn(`Skipped: ${name}. PostgreSQL is not installed: there is no initdb.`)
    describe.skip(name, () => test('needs initdb', () => {}))
    return
  }
  describe(name, () => {
    let server: PostgresServer
    beforeAll(async () => {
      server = await startPostgres()
    })
    afterAll(() => server?.remove())
    declare(() => server)
  })
}
