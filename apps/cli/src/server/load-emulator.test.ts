import { describe, expect, test } from 'vitest'
import { CliError } from '../base/cli-error.ts'
import { EXIT, exitCodeOf } from '../output/exit-codes.ts'
import { loadEmulator } from './load-emulator.ts'

/** What Node.js throws for an import that finds nothing. */
function notFound(what: string): Error {
  return Object.assign(
    new Error(`Cannot find ${what} imported from /lib/@oss-cse/oss-emulator/dist/index.js`),
    {
      code: 'ERR_MODULE_NOT_FOUND',
    },
  )
}

function importersThat(fail: Error) {
  return {
    '@oss-cse/oss-emulator': () => Promise.reject(fail),
    '@oss-cse/kms-emulator': () => Promise.reject(fail),
  }
}

describe('loading an emulator', () => {
  test.each(['@oss-cse/oss-emulator', '@oss-cse/kms-emulator'] as const)(
    'names %s and the command that installs both packages, when it is not installed',
    async (emulator) => {
      const cause = notFound(`package '${emulator}'`)
      const error: unknown = await loadEmulator(emulator, importersThat(cause)).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(CliError)
      expect(error).toMatchObject({
        message: `The package ${emulator} is not installed. The commands \`emulator\` and \`demo\` need it. Install it with \`npm install --global @oss-cse/oss-emulator @oss-cse/kms-emulator\`. Leave out --global if oss-cse is installed in a project.`,
        cause,
      })
      expect(exitCodeOf(error)).toBe(EXIT.configuration)
    },
  )

  test.each([
    ['a dependency of the package is missing', notFound("package 'fast-xml-parser'")],
    ['a package of a longer name is missing', notFound("package '@oss-cse/oss-emulator-extra'")],
    ['a file of the package is missing', notFound("module '/lib/@oss-cse/oss-emulator/dist/server.js'")],
    ['the package throws', new TypeError("Cannot find package '@oss-cse/oss-emulator' in a text of its own")],
  ])('throws the error unchanged when %s', async (_when, error) => {
    await expect(loadEmulator('@oss-cse/oss-emulator', importersThat(error))).rejects.toBe(error)
  })

  test('returns an installed package', async () => {
    expect(await loadEmulator('@oss-cse/oss-emulator')).toHaveProperty('startOssEmulator')
    expect(await loadEmulator('@oss-cse/kms-emulator')).toHaveProperty('startKmsEmulator')
  })
})
