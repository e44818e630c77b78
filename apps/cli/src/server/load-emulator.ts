import { configurationError, systemCode } from '../base/cli-error.ts'

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

/**
 * Whether an import failed because the package itself is missing. A missing dependency or file of the package has the
 * same code, but means a broken installation, which the error describes.
 */
function isNotInstalled(emulator: string, error: unknown): boolean {
  return (
    systemCode(error) === 'ERR_MODULE_NOT_FOUND' &&
    (error as Error).message.startsWith(`Cannot find package '${emulator}'`)
  )
}
