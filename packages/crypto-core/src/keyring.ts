import { wipe } from './bytes.ts'
import { CEK_BYTES, generateIv, IV_BYTES } from './content-key.ts'
import type { Envelope } from './envelope.ts'
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

/** Of all keyrings of the process: two of them may have the same provider. About 1 MB when it is full. */
const issued = new IssuedContentKeys(10_000)

/** The master keys of a keyring. */
export interface KeyringOptions {
  /** The provider that wraps the content keys of new objects; it reads them too, when it can unwrap. */
  readonly encrypting: MasterKeyProvider
  /** Further providers, of any kind, for objects that other keys wrapped. */
  readonly decrypting?: readonly MasterKeyProvider[] | undefined
  /**
   * Providers to try, in this order, on objects without a material description: after the encrypting one, when
   * that one's algorithm is the object's.
   */
  readonly undescribed?: readonly MasterKeyProvider[] | undefined
}

/**
 * The master keys that an application knows: one that encrypts, any number that decrypt. It alone chooses the
 * key of an object, by wrap algorithm and material description, and never falls back to another one.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when two providers that take the same wrap algorithm have the same
 * non-empty description, or one of them is not what a provider must be.
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

  /** Every provider, the encrypting one first, each once. */
  get providers(): readonly MasterKeyProvider[] {
    return [...this.#providers]
  }

  /**
   * Adds a provider that reads objects which another key wrapped. Every call from then on knows it.
   *
   * @param options - `undescribed`: it is also tried on objects without a material description, after those that were
   * listed for them before
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT`, and nothing is added, when it is not what a provider must be, or shares
   * wrap algorithm and non-empty description with one that is there.
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
   * @param extras - what the envelope records beside the wrapped key: lengths in bytes, the caller's MD5
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the provider answers a key of the wrong length;
   * `ERR_CSE_CONTENT_KEY_REUSED` when it answers one that this process was given before, among the last 10,000; and whatever
   * the provider throws.
   */
  async generate(
    extras: EnvelopeExtras = {},
    options: MasterKeyCallOptions = {},
  ): Promise<{ readonly contentKey: ContentKey; readonly envelope: Envelope }> {
    const provider = this.encrypting
    const iv = provider.envelopeVersion === 1 ? generateV1Start() : generateIv()
    const generated = await provider.generateContentKey(Uint8Array.from(iv), options)
    const { cek } = generated
    if (cek.length !== CEK_BYTES) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `The master key provider made a content key of ${cek.length} bytes; AES-256 needs ${CEK_BYTES}.`,
      )
    }
    const envelope = newEnvelope(provider, generated, extras)
    // Copies: a provider may keep what it hands out, and ours are wiped after use.
    const contentKey = { cek: Uint8Array.from(cek), iv }
    if (await issued.add(contentKey.cek)) return { contentKey, envelope }
    wipe(contentKey.cek)
    throw new CseError(
      'ERR_CSE_CONTENT_KEY_REUSED',
      `The master key provider (${provider.wrapAlgorithm}) made a content key that it had made before: two objects under one key can reveal each other. Nothing was encrypted. Find out why its keys repeat before you use it again.`,
    )
  }

  /**
   * Unwraps an object's content key with the one provider that its envelope names.
   *
   * @throws CseError `ERR_CSE_NO_MATCHING_KEY` when no provider, or none alone, is the object's;
   * `ERR_CSE_CANNOT_UNWRAP` when it is a public key alone; `ERR_CSE_UNWRAP_FAILED` when key and envelope do not
   * fit; and whatever else the provider throws.
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
        // Only among several candidates for an object without a description is a misfit not yet an error.
        if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_UNWRAP_FAILED') throw error
      }
    }
    throw unwrapFailed()
  }

  /** The provider of an envelope, or the ones to try in order. FORMAT.md, "The keyring". */
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
      `No master key of the keyring is this object's: it was wrapped by ${envelope.wrapAlgorithm} ${describe(envelope)}. Known: ${known}.`,
    )
  }
}

function able(providers: readonly MasterKeyProvider[]): readonly MasterKeyProvider[] {
  const capable = providers.filter((provider) => provider.canUnwrap !== false)
  const [first] = providers
  if (capable.length === 0 && first !== undefined) {
    throw new CseError(
      'ERR_CSE_CANNOT_UNWRAP',
      `The object's master key (${first.wrapAlgorithm} ${describe(first)}) is here only to encrypt: reading needs its private key.`,
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
      'A master key provider needs wrapAlgorithm, materialDescription, generateContentKey and unwrap.',
    )
  }
  const { alsoUnwraps, envelopeVersion } = provider
  const names = alsoUnwraps === undefined || (Array.isArray(alsoUnwraps) && alsoUnwraps.every(isName))
  if (!names || ![undefined, 1, 2].includes(envelopeVersion)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      "A master key provider's alsoUnwraps is an array of names, and its envelopeVersion 1 or 2.",
    )
  }
  const description = checkedDescription(provider.materialDescription)
  if (envelopeVersion === 1 && !isEmptyDescription(description)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'A master key that writes V1 envelopes cannot have a material description: they have no room for one.',
    )
  }
}

/** Two keys that an object could not tell apart are refused. */
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
    `Two master keys share the wrap algorithm ${shared} and the description ${describe(provider)}: an object could not tell which is its own.`,
  )
}

/** Every wrap algorithm whose envelopes a provider takes. */
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
