import { wipe } from './bytes.ts'
import { CEK_BYTES, generateIv, IV_BYTES } from './content-key.ts'
import type { ContentFormat, Envelope } from './envelope.ts'
import { CseError, unwrapFailed } from './errors.ts'
import { IssuedContentKeys } from './issued-content-keys.ts'
import {
  checkedDescription,
  equalDescriptions,
  formatMaterialDescription,
  isEmptyDescription,
} from './material-description.ts'
import { type EnvelopeExtras, newEnvelope } from './new-envelope.ts'
import type { ContentKey, MasterKeyCallOptions, MasterKeyProvider } from './ports.ts'
import { generateV1Start } from './v1-start.ts'

/**
 * Shared by all keyrings of the process, because two of them may use the same provider. It takes about 1 MB when it is
 * full.
 */
const issued = new IssuedContentKeys(10_000)

/** Options of a keyring: its master keys. */
export interface KeyringOptions {
  /** The provider that wraps the content keys of new objects. It also reads them, if it can unwrap. */
  readonly encrypting: MasterKeyProvider
  /** Other providers, of any kind, for objects that other keys wrapped. */
  readonly decrypting?: readonly MasterKeyProvider[] | undefined
  /**
   * Providers to try on objects without a material description, in this order. The encrypting provider comes first, if
   * its algorithm is that of the object.
   */
  readonly undescribed?: readonly MasterKeyProvider[] | undefined
}

/**
 * The master keys of an application: one that encrypts, and any number that decrypt. The keyring alone selects the key
 * of an object, by wrap algorithm and material description. It never falls back to another key.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when two providers with a common wrap algorithm have the same non-empty
 * description, or when a provider is not valid.
 *
 * @example
 * ```ts
 * const keyring = new Keyring({ encrypting: newKey, decrypting: [oldKey] })
 * ```
 */
export class Keyring {
  /** The provider that wraps the content keys of new objects. */
  readonly encrypting: MasterKeyProvider
  readonly #providers: MasterKeyProvider[] = []
  readonly #undescribed: MasterKeyProvider[] = []

  constructor(options: KeyringOptions) {
    const { encrypting, decrypting = [], undescribed = [] } = options
    this.encrypting = encrypting
    for (const provider of [encrypting, ...decrypting]) this.addDecrypting(provider)
    for (const provider of undescribed) this.addDecrypting(provider, { undescribed: true })
  }

  /** All providers, each once. The encrypting one comes first. */
  get providers(): readonly MasterKeyProvider[] {
    return [...this.#providers]
  }

  /**
   * Adds a provider for objects that another key wrapped. All later calls use it.
   *
   * @param options - `undescribed`: also try it on objects without a material description, after the providers that are
   * already in that list
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the provider is not valid, or shares its wrap algorithm and
   * non-empty description with a provider of the keyring. Nothing is added then.
   *
   * @example
   * ```ts
   * keyring.addDecrypting(keyOfLastYear)
   * ```
   */
  addDecrypting(provider: MasterKeyProvider, options: { readonly undescribed?: boolean } = {}): void {
    if (!this.#providers.includes(provider)) {
      checkProvider(provider)
      for (const other of this.#providers) checkDistinct(provider, other)
      this.#providers.push(provider)
    }
    if (options.undescribed && !this.#undescribed.includes(provider)) this.#undescribed.push(provider)
  }

  /**
   * Makes a content key for a new object, and its envelope.
   *
   * @param extras - additional fields of the envelope: lengths in bytes, the caller's MD5
   * @param format - how the content will be encrypted: the envelope names it
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the provider returns a key of the wrong length;
   * `ERR_CSE_CONTENT_KEY_REUSED` when it returns one of the last 10,000 keys of this process; errors of the provider.
   */
  async generate(
    extras: EnvelopeExtras = {},
    options: MasterKeyCallOptions = {},
    format: ContentFormat = 'aes-ctr',
  ): Promise<{ readonly contentKey: ContentKey; readonly envelope: Envelope }> {
    const provider = this.encrypting
    const iv = provider.envelopeVersion === 1 ? generateV1Start() : generateIv()
    const generated = await provider.generateContentKey(Uint8Array.from(iv), options)
    const { cek } = generated
    if (cek.length !== CEK_BYTES) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `The master key provider returned a content key of ${cek.length} bytes. AES-256 needs ${CEK_BYTES} bytes.`,
      )
    }
    const envelope = newEnvelope(provider, generated, extras, format)
    // Copies, because a provider may keep the keys that it returns, and these are wiped after use.
    const contentKey = { cek: Uint8Array.from(cek), iv }
    if (issued.add(contentKey.cek)) return { contentKey, envelope }
    wipe(contentKey.cek)
    throw new CseError(
      'ERR_CSE_CONTENT_KEY_REUSED',
      `The master key provider (${provider.wrapAlgorithm}) returned a content key that was used before. Two objects under one key can reveal each other, so nothing was encrypted. Find out why its keys repeat before you use it again.`,
    )
  }

  /**
   * Unwraps an object's content key with the one provider that its envelope names.
   *
   * @throws CseError `ERR_CSE_NO_MATCHING_KEY` when no provider matches the object, or more than one;
   * `ERR_CSE_CANNOT_UNWRAP` when the provider has only a public key; `ERR_CSE_UNWRAP_FAILED` when key and envelope do
   * not match; errors of the provider.
   */
  async unwrap(envelope: Envelope, options: MasterKeyCallOptions = {}): Promise<ContentKey> {
    const selected = this.#select(envelope)
    for (const provider of selected) {
      options.signal?.throwIfAborted()
      try {
        const contentKey = await provider.unwrap(envelope, options)
        if (contentKey.cek.length !== CEK_BYTES || contentKey.iv.length !== IV_BYTES) throw unwrapFailed()
        return { cek: Uint8Array.from(contentKey.cek), iv: Uint8Array.from(contentKey.iv) }
      } catch (error) {
        // With several candidates for an object without a description, a mismatch is not an error yet.
        if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_UNWRAP_FAILED') throw error
      }
    }
    throw unwrapFailed()
  }

  /** Returns the provider of an envelope, or those to try in order. See FORMAT.md, "The keyring". */
  #select(envelope: Envelope): readonly MasterKeyProvider[] {
    const candidates = this.#providers.filter((p) => unwraps(p, envelope.wrapAlgorithm))
    const described = candidates.filter((p) =>
      equalDescriptions(p.materialDescription, envelope.materialDescription),
    )
    if (described.length === 1) return able(described)
    if (isEmptyDescription(envelope.materialDescription) && candidates.length > 0) {
      const readers = able(candidates)
      const listed = this.#undescribed.filter((p) => readers.includes(p))
      if (readers.includes(this.encrypting)) return [...new Set([this.encrypting, ...listed])]
      if (readers.length === 1) return readers
      if (listed.length > 0) return listed
    }
    const known = this.#providers.map((p) => `${p.wrapAlgorithm} ${describe(p)}`).join('; ')
    throw new CseError(
      'ERR_CSE_NO_MATCHING_KEY',
      `No key in the keyring matches this object: its content key was wrapped by ${envelope.wrapAlgorithm} ${describe(envelope)}. Known keys: ${known}.`,
    )
  }
}

function able(providers: readonly MasterKeyProvider[]): readonly MasterKeyProvider[] {
  const capable = providers.filter((provider) => provider.canUnwrap !== false)
  const [first] = providers
  if (capable.length === 0 && first !== undefined) {
    throw new CseError(
      'ERR_CSE_CANNOT_UNWRAP',
      `The object's master key (${first.wrapAlgorithm} ${describe(first)}) can only encrypt: reading needs its private key.`,
    )
  }
  return capable
}

function checkProvider(provider: MasterKeyProvider): void {
  const complete =
    typeof provider?.wrapAlgorithm === 'string' &&
    provider.wrapAlgorithm !== '' &&
    typeof provider.generateContentKey === 'function' &&
    typeof provider.unwrap === 'function'
  if (!complete) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'A master key provider must have wrapAlgorithm, materialDescription, generateContentKey and unwrap.',
    )
  }
  const { alsoUnwraps, envelopeVersion } = provider
  const names = alsoUnwraps === undefined || (Array.isArray(alsoUnwraps) && alsoUnwraps.every(isName))
  if (!names || ![undefined, 1, 2].includes(envelopeVersion)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'The alsoUnwraps of a master key provider must be an array of names, and its envelopeVersion must be 1 or 2.',
    )
  }
  const description = checkedDescription(provider.materialDescription)
  if (envelopeVersion === 1 && !isEmptyDescription(description)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'A master key that writes V1 envelopes cannot have a material description: these envelopes cannot hold one.',
    )
  }
}

/** Refuses two keys that the envelope of an object cannot distinguish. */
function checkDistinct(provider: MasterKeyProvider, other: MasterKeyProvider): void {
  const shared = algorithmsOf(provider).find((name) => unwraps(other, name))
  if (
    shared === undefined ||
    isEmptyDescription(provider.materialDescription) ||
    !equalDescriptions(provider.materialDescription, other.materialDescription)
  ) {
    return
  }
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `Two master keys have the same wrap algorithm ${shared} and description ${describe(provider)}: the key of an object would be ambiguous.`,
  )
}

/** All wrap algorithms whose envelopes a provider accepts. */
function algorithmsOf({ wrapAlgorithm, alsoUnwraps = [] }: MasterKeyProvider): readonly string[] {
  return [wrapAlgorithm, ...alsoUnwraps]
}

function unwraps(provider: MasterKeyProvider, algorithm: string): boolean {
  return algorithmsOf(provider).some((name) => sameAlgorithm(name, algorithm))
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function sameAlgorithm(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

function describe({
  materialDescription,
}: {
  readonly materialDescription: MasterKeyProvider['materialDescription']
}): string {
  return formatMaterialDescription(materialDescription) || '(no description)'
}
