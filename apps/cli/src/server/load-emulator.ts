import { configurationError } from '../base/cli-error.ts'
import { isNotInstalled } from '../base/optional-package.ts'

/** The packages of the emulators. They are optional: users who only encrypt need no test servers. */
interface EmulatorPackages {
  readonly '@oss-cse/oss-emulator': typeof import('@oss-cse/oss-emulator')
  readonly '@oss-cse/kms-emulator': typeof import('@oss-cse/kms-emulator')
}

/** How each package is imported. */
type Importers = {
  readonly [Package in keyof EmulatorPackages]: () => Promise<EmulatorPackages[Package]>
}

const IMPORTERS: Importers = {
  '@oss-cse/oss-emulator': () => import('@oss-cse/oss-emulator'),
  '@oss-cse/kms-emulator': () => import('@oss-cse/kms-emulator'),
}

const INSTALL_COMMAND = `npm install --global ${Object.keys(IMPORTERS).join(' ')}`

/**
 * Loads the package of an emulator.
 *
 * @param importers - how packages are imported
 * @throws CliError of kind `configuration` when the package is not installed; any other error unchanged
 */
export async function loadEmulator<Package extends keyof EmulatorPackages>(
  emulator: Package,
  importers: Importers = IMPORTERS,
): Promise<EmulatorPackages[Package]> {
  try {
    return await importers[emulator]()
  } catch (error) {
    if (!isNotInstalled(emulator, error)) throw error
    throw configurationError(
      `The package ${emulator} is not installed. The commands \`emulator\` and \`demo\` need it. Install it with \`${INSTALL_COMMAND}\`. Leave out --global if oss-cse is installed in a project.`,
      error,
    )
  }
}
