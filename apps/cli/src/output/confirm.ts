import { createInterface } from 'node:readline'
import { orAborted } from '@oss-cse/crypto-core'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { CliError, usageError } from '../base/cli-error.ts'
import { writeChunk } from './stream-writer.ts'

/**
 * Asks a person on the terminal whether to continue.
 *
 * @param question - without the choices, such as `Rotate these objects?`
 * @throws CliError of kind `usage` when stdin is not a terminal: nobody can respond; of kind `other` for any response but yes
 */
export async function confirm(cli: CliEnvironment, question: string): Promise<void> {
  if ((cli.stdin as { readonly isTTY?: boolean }).isTTY !== true) {
    throw usageError(
      'This command asks before it starts, and stdin is not a terminal. Give --yes to start it.',
    )
  }
  await writeChunk(cli.stderr, `${question} [y/N] `, cli.signal)
  const lines = createInterface({ input: cli.stdin })
  try {
    const response = new Promise<string>((resolve) => {
      lines.once('line', resolve)
      lines.once('close', () => resolve(''))
    })
    if (/^y(?:es)?$/i.test((await orAborted(response, cli.signal)).trim())) return
  } finally {
    lines.close()
  }
  throw new CliError('other', 'Nothing was done.')
}
