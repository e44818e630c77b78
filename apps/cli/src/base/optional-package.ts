import { systemCode } from './cli-error.ts'

/**
 * Whether an import failed because the package itself is missing. A missing dependency or file of the package has the
 * same code, but means a broken installation, which the error describes.
 *
 * @param name - the package that was imported
 * @param error - what the import threw
 */
export function isNotInstalled(name: string, error: unknown): boolean {
  return (
    systemCode(error) === 'ERR_MODULE_NOT_FOUND' &&
    (error as Error).message.startsWith(`Cannot find package '${name}'`)
  )
}
