import type { Keyring, MasterKeyProvider } from '@oss-cse/crypto-core'
import { equalDescriptions, formatMaterialDescription } from '@oss-cse/crypto-core/internal'
import { configurationError } from '../base/cli-error.ts'
import { missingKeys } from '../keys/key-options.ts'
import type { KeyName } from './run-settings.ts'

/** Returns what names a master key: nothing of it is secret. */
export function keyName({ wrapAlgorithm, materialDescription, keyIdentity }: MasterKeyProvider): KeyName {
  return {
    wrapAlgorithm,
    materialDescription: { ...materialDescription },
    ...(keyIdentity !== undefined && { keyIdentity }),
  }
}

/**
 * Finds the master key that a run names.
 *
 * @returns `undefined` if the keyring does not have it
 */
export function namedKey(keyring: Keyring, name: KeyName): MasterKeyProvider | undefined {
  return keyring.providers.find(
    ({ wrapAlgorithm, materialDescription, keyIdentity }) =>
      wrapAlgorithm === name.wrapAlgorithm &&
      keyIdentity === name.keyIdentity &&
      equalDescriptions(materialDescription, name.materialDescription),
  )
}

/**
 * Checks that a worker has all master keys of a run. Otherwise objects would count as failed that other workers can read.
 *
 * @throws CliError of kind `configuration` that names what is missing
 */
export function checkKeys(
  runId: string,
  names: readonly KeyName[] | undefined,
  keyring: Keyring | undefined,
): void {
  if (names === undefined) return
  if (keyring === undefined) {
    throw configurationError(`The run ${runId} needs master keys. ${missingKeys().message}`)
  }
  const missing = names.filter((name) => namedKey(keyring, name) === undefined)
  if (missing.length === 0) return
  throw configurationError(
    `The run ${runId} needs master keys that are not given: ${missing.map(nameText).join('; ')}. Give the same keys as the command that started it.`,
  )
}

/** Describes a key for a person. */
export function nameText({ wrapAlgorithm, materialDescription, keyIdentity }: KeyName): string {
  const description = formatMaterialDescription(materialDescription) || '(no description)'
  return [wrapAlgorithm, description, keyIdentity].filter(Boolean).join(' ')
}
