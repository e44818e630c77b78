import { configurationError } from '../base/cli-error.ts'
import { isNotInstalled } from '../base/optional-package.ts'

type QueuePackage = typeof import('@oss-cse/fleet-pgboss')

const NAME = '@oss-cse/fleet-pgboss'

/**
 * Loads the package of the queue. It is optional: it brings PostgreSQL, and users of single objects need no queue.
 *
 * @param importPackage - how it is imported
 * @throws CliError of kind `configuration` when it is not installed; any other error unchanged
 */
export async function loadQueuePackage(
  importPackage: () => Promise<QueuePackage> = () => import('@oss-cse/fleet-pgboss'),
): Promise<QueuePackage> {
  try {
    return await importPackage()
  } catch (error) {
    if (!isNotInstalled(NAME, error)) throw error
    throw configurationError(
      `The package ${NAME} is not installed. The commands of \`oss-cse fleet\` need it. Install it with \`npm install --global ${NAME}\`. Leave out --global if oss-cse is installed in a project.`,
      error,
    )
  }
}
