import { expect, test } from 'vitest'
import { EXIT, exitCodeOf } from '../output/exit-codes.ts'
import { loadQueuePackage } from './load-queue-package.ts'

test('a queue package that is not installed is named, with the command that installs it', async () => {
  const cause = Object.assign(
    new Error("Cannot find package '@oss-cse/fleet-pgboss' imported from /lib/x.js"),
    {
      code: 'ERR_MODULE_NOT_FOUND',
    },
  )
  const error: unknown = await loadQueuePackage(() => Promise.reject(cause)).catch((thrown) => thrown)
  expect(error).toMatchObject({
    message:
      'The package @oss-cse/fleet-pgboss is not installed. The commands of `oss-cse fleet` need it. Install it with `npm install --global @oss-cse/fleet-pgboss`. Leave out --global if oss-cse is installed in a project.',
    cause,
  })
  expect(exitCodeOf(error)).toBe(EXIT.configuration)
})

test('another failure of the package is not hidden', async () => {
  const cause = Object.assign(new Error("Cannot find package 'pg-boss' imported from /lib/x.js"), {
    code: 'ERR_MODULE_NOT_FOUND',
  })
  await expect(loadQueuePackage(() => Promise.reject(cause))).rejects.toBe(cause)
})
