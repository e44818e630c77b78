import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError } from '../base/cli-error.ts'

/** The option of each command that can use a queue for many machines. */
export interface QueueFlags {
  readonly queue?: string
}

/** The environment variable of `--queue`. Arguments are visible to other users of a machine, and a password is a secret. */
export const QUEUE_VARIABLE = 'OSS_CSE_FLEET_QUEUE'

/**
 * Returns the address of the queue in PostgreSQL, or `undefined` for the embedded one.
 *
 * @throws CliError of kind `configuration` when it is not an address of PostgreSQL. The error does not contain it.
 */
export function queueAddress({ queue }: QueueFlags, cli: Pick<CliEnvironment, 'env'>): string | undefined {
  const address = queue || variable(cli, QUEUE_VARIABLE)
  if (address === undefined) return undefined
  if (/^postgres(?:ql)?:\/\//.test(address)) return address
  throw configurationError(
    `--queue (or ${QUEUE_VARIABLE}) is not an address of PostgreSQL. Write postgres://USER@HOST/DATABASE.`,
  )
}
