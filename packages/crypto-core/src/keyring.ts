import { equalBytes, wipe } from './bytes.ts'
import { CEK_BYTES, generateIv, IV_BYTES } from './content-key.ts'
import { type ContentFormat, contentFormat, type Envelope, type EnvelopeV2 } from './envelope.ts'
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
import { replacementKey } from './replacement-key.ts'
import { checkRewrap, type RewrapOptions, rewrappedEnvelope, unversioned } from './rewrap.ts'
import { checkKeyIdentities } from './sealed-only-keys.ts'
import { generateV1Start } from './v1-start.ts'

/**
 * Shared by all keyrings of the process, because two of them may use the same provider. It takes about 1 MB when it is
 * full.
 */
const issued = /* @__PURE__ */ new IssuedContentKeys(10_000)

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
  /**
   * Providers whose keys read only sealed objects. Each provider of the keyring must then have a `keyIdentity`, and a key that
   * two providers hold must be sealed-only in both.
   */
  readonly sealedOnly?: readonly MasterKeyProvider[] | undefined
}

/** Options of a further provider. */
export interface DecryptingOptions {
  /** Also try it on objects without a material description, after the providers that are already in that list. */
  readonly undescribed?: boolean | undefined
  /** Read only sealed objects under its key, see `KeyringOptions`. */
  readonly sealedOnly?: boolean | undefined
}

/** Options of unwrapping the key of an object. */
export interface UnwrapOptions extends MasterKeyCallOptions {
  /** Use only the master key with this identity, see `MasterKeyProvider`. Default: the one that the envelope names. */
  readonly keyIdentity?: string | undefined
}

/** Options of unwrapping the key of a sealed object, to open it. */
export interface UnwrapToOpenOptions extends UnwrapOptions {
  /** Whether the reader accepts only sealed objects, whatever their key. */
  readonly acceptsOnlySealed: boolean
}

/**
 * The master keys of an application: one that encrypts, and any number that decrypt. The keyring alone selects the key
 * of an object, by wrap algorithm and material description. It never falls back to another key.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when two providers with a common wrap algorithm have the same non-empty
 * description, when a provider is not valid, or when `sealedOnly` contradicts another provider.
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
  readonly #sealedOnly = new Set<MasterKeyProvider>()
  #allowsPlainObjects = false

  constructor(options: KeyringOptions) {
    const { encrypting, decrypting = [], undescribed = [], sealedOnly = [] } = options
    this.encrypting = encrypting
    for (const provider of new Set([encrypting, ...decrypting, ...undescribed, ...sealedOnly])) {
      this.#add(provider)
    }
    this.#undescribed.push(...new Set(undescribed))
    for (const provider of sealedOnly) this.#sealedOnly.add(provider)
    checkKeyIdentities(this.#providers, this.#sealedOnly)
    if (this.isSealedOnly(encrypting) && encrypting.envelopeVersion === 1) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        'The encrypting master key writes V1 envelopes, which have no sealed objects: it cannot be sealed-only.',
      )
    }
  }

  /** All providers, each once. The encrypting one comes first. */
  get providers(): readonly MasterKeyProvider[] {
    return [...this.#providers]
  }

  /** Whether there is a key under which only sealed objects are read. */
  get hasSealedOnly(): boolean {
    return this.#sealedOnly.size > 0
  }

  /** Tells whether only sealed objects are read under the key of a provider. */
  isSealedOnly(provider: MasterKeyProvider): boolean {
    return this.#sealedOnly.has(provider)
  }

  /**
   * Adds a provider for objects that another key wrapped. All later calls use it.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the provider is not valid, shares its wrap algorithm and
   * non-empty description with a provider of the keyring, or when `sealedOnly` contradicts another provider or a bucket that
   * uses the keyring. Nothing is added then.
   *
   * @example
   * ```ts
   * keyring.addDecrypting(keyOfLastYear)
   * ```
   */
  addDecrypting(provider: MasterKeyProvider, options: DecryptingOptions = {}): void {
    const { undescribed = false, sealedOnly = false } = options
    if (sealedOnly && !this.isSealedOnly(provider)) this.#checkMayBeSealedOnly(provider)
    const restricted = sealedOnly ? new Set([...this.#sealedOnly, provider]) : this.#sealedOnly
    const known = this.#providers.includes(provider)
    if (!known) checkProvider(provider)
    checkKeyIdentities(known ? this.#providers : [...this.#providers, provider], restricted)
    if (!known) this.#add(provider)
    if (sealedOnly) this.#sealedOnly.add(provider)
    if (undescribed && !this.#undescribed.includes(provider)) this.#undescribed.push(provider)
  }

  /**
   * Called by a bucket that returns plain objects. A sealed-only key in its keyring would promise what the bucket does not keep,
   * so that there is none, and none can be added later.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the keyring has a sealed-only provider
   */
  allowPlainObjects(): void {
    if (this.hasSealedOnly) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        "A keyring with a sealed-only key excludes onPlainObject: 'passthrough': anyone who can remove the metadata could have any content returned.",
      )
    }
    this.#allowsPlainObjects = true
  }

  #add(provider: MasterKeyProvider): void {
    checkProvider(provider)
    for (const other of this.#providers) checkDistinct(provider, other)
    this.#providers.push(provider)
  }

  #checkMayBeSealedOnly(provider: MasterKeyProvider): void {
    const why = this.#allowsPlainObjects
      ? "A bucket with onPlainObject: 'passthrough' uses this keyring, so that no key of it can be sealed-only."
      : provider === this.encrypting
        ? 'The encrypting provider is sealed-only from the start or not at all: pass it as sealedOnly to the keyring.'
        : undefined
    if (why !== undefined) throw new CseError('ERR_CSE_INVALID_ARGUMENT', why)
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
   * Refuses an object that is not sealed and whose key reads only sealed objects. `unwrap` does the same; a reader that judges
   * other headers first calls this before.
   *
   * @throws CseError `ERR_CSE_NOT_SEALED`; `ERR_CSE_NO_MATCHING_KEY` and `ERR_CSE_CANNOT_UNWRAP` as `unwrap`
   */
  checkFormat(envelope: Envelope): void {
    if (this.hasSealedOnly && contentFormat(envelope) !== 'sealed') this.#select(envelope)
  }

  /**
   * Unwraps an object's content key with the one provider that its envelope names.
   *
   * @throws CseError `ERR_CSE_NO_MATCHING_KEY` when no provider matches the object, or more than one, or when the matching one
   * has another identity than `keyIdentity`; `ERR_CSE_NOT_SEALED` when the object is not sealed and its key reads only sealed
   * objects; `ERR_CSE_CANNOT_UNWRAP` when the provider has only a public key; `ERR_CSE_UNWRAP_FAILED` when key and envelope do
   * not match; errors of the provider.
   */
  async unwrap(envelope: Envelope, options: UnwrapOptions = {}): Promise<ContentKey> {
    const selected = this.#select(envelope, options.keyIdentity)
    for (const provider of selected) {
      options.signal?.throwIfAborted()
      try {
        return copied(await provider.unwrap(envelope, this.#call(options)))
      } catch (error) {
        // With several candidates for an object without a description, a mismatch is not an error yet.
        if (!isUnwrapFailed(error)) throw error
      }
    }
    throw unwrapFailed()
  }

  /**
   * As `unwrap`, for the key of a sealed object that is going to be opened. Where only sealed objects are read under an RSA key,
   * a failed unwrap returns another key, always the same: opening then fails as that of an altered object does. Otherwise a
   * stranger who uploads objects, and learns which unwraps fail, could decrypt with the master key (Bleichenbacher's attack).
   *
   * @throws CseError as `unwrap`
   */
  async unwrapToOpen(
    envelope: Envelope,
    { acceptsOnlySealed, ...options }: UnwrapToOpenOptions,
  ): Promise<ContentKey> {
    const selected = this.#select(envelope, options.keyIdentity)
    const [strict] = acceptsOnlySealed ? selected : selected.filter((provider) => this.isSealedOnly(provider))
    if (strict === undefined || !RSA.test(envelope.wrapAlgorithm) || contentFormat(envelope) !== 'sealed') {
      return this.unwrap(envelope, options)
    }
    const replaced = (): Promise<ContentKey> =>
      strict.unwrapWithImplicitRejection?.(envelope, this.#call(options)) ?? replacementKey(envelope)
    // A second key would take time that shows whether it was tried. Only objects without a description have several candidates.
    if (selected.length === 1 && strict.unwrapWithImplicitRejection !== undefined)
      return copied(await replaced())
    try {
      return await this.unwrap(envelope, options)
    } catch (error) {
      if (isUnwrapFailed(error)) return copied(await replaced())
      throw error
    }
  }

  /**
   * Wraps the content key of an existing object under another master key, and returns its new envelope. It is V2, and has the
   * description of the target. The ciphertext stays the same: store it with the new envelope in place of the old one. A sealed
   * object stays sealed, with its commitment and context. All refusals come before any key is called.
   *
   * The recorded lengths, MD5 and part size are those of the old envelope. If you upload the ciphertext in other parts, set
   * `dataSizeBytes` and `partSizeBytes` to those of the upload.
   *
   * It is for planned rotation: anyone who unwrapped the content key before can still read the object. After a leak of the old
   * key, read the object and put it again. Unlike `unwrapToOpen`, it shows whether the unwrap failed, so do not show its outcome
   * to strangers whose objects you re-wrap.
   *
   * @returns the new envelope. Nothing is stored.
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` when the target has no `wrap` or writes V1, or when the present key is
   * sealed-only and the target is not; `ERR_CSE_NOT_SEALED` when the object is not sealed and either key is sealed-only;
   * `ERR_CSE_INVALID_ARGUMENT` when the target is not in the keyring, when the keyring would not select it for the new
   * envelope, or when it returns a value that no header can hold; errors of `unwrap`, and of the target.
   *
   * @example
   * ```ts
   * const keyring = new Keyring({ encrypting: newKey, decrypting: [oldKey] })
   * const headers = encodeEnvelope(await keyring.rewrap(envelope))
   * ```
   */
  async rewrap(envelope: Envelope, options: RewrapOptions = {}): Promise<EnvelopeV2> {
    const { target = this.encrypting, targetObject = unversioned(options.object), ...call } = options
    if (!this.#providers.includes(target)) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        'The target of a re-wrap must be one of the providers of the keyring. Pass it as `encrypting` or `decrypting`.',
      )
    }
    const wrapping = checkRewrap(contentFormat(envelope), {
      target,
      fromSealedOnly: this.#select(envelope).some((provider) => this.isSealedOnly(provider)),
      toSealedOnly: this.isSealedOnly(target),
      // A target that only encrypts reads nothing here: another keyring has its private half.
      selectsTarget: target.canUnwrap === false || this.#matching(target).includes(target),
    })
    const contentKey = await this.unwrap(envelope, call)
    try {
      call.signal?.throwIfAborted()
      const wrapped = await wrapping.wrap(contentKey, this.#call({ ...call, object: targetObject }))
      return rewrappedEnvelope(envelope, target, wrapped)
    } finally {
      wipe(contentKey.cek, contentKey.iv)
    }
  }

  /**
   * Tells whether two envelopes hold the same content key and IV: whether the same ciphertext can be read with either. Unwraps
   * both. So a program that re-wraps can prove that the target reads what it wrapped, before it stores the first object.
   *
   * @throws CseError errors of `unwrap`
   *
   * @example
   * ```ts
   * const rewrapped = await keyring.rewrap(envelope)
   * if (!(await keyring.holdSameKey(envelope, rewrapped))) throw new Error('the target does not read what it wraps')
   * ```
   */
  async holdSameKey(first: Envelope, second: Envelope, options: MasterKeyCallOptions = {}): Promise<boolean> {
    const one = await this.unwrap(first, options)
    try {
      const other = await this.unwrap(second, options)
      try {
        return equalBytes(one.cek, other.cek) && equalBytes(one.iv, other.iv)
      } finally {
        wipe(other.cek, other.iv)
      }
    } finally {
      wipe(one.cek, one.iv)
    }
  }

  #call({ keyIdentity, ...options }: UnwrapOptions): MasterKeyCallOptions {
    return this.hasSealedOnly || keyIdentity !== undefined ? { ...options, identified: true } : options
  }

  /** Returns the provider of an envelope, or those to try in order, without those that read only sealed objects if it is not sealed. */
  #select(envelope: Envelope, keyIdentity?: string): readonly MasterKeyProvider[] {
    const candidates = this.#candidates(envelope)
    const chosen =
      keyIdentity === undefined ? candidates : candidates.filter((one) => one.keyIdentity === keyIdentity)
    if (chosen.length === 0) {
      throw new CseError(
        'ERR_CSE_NO_MATCHING_KEY',
        `The master key of this object (${envelope.wrapAlgorithm} ${describe(envelope)}) is not the key with the identity ${keyIdentity}.`,
      )
    }
    if (contentFormat(envelope) === 'sealed') return chosen
    const allowed = chosen.filter((provider) => !this.isSealedOnly(provider))
    if (allowed.length > 0) return allowed
    throw new CseError(
      'ERR_CSE_NOT_SEALED',
      `The object is not sealed, so its content can be altered unnoticed, and its master key (${envelope.wrapAlgorithm} ${describe(envelope)}) reads only sealed objects.`,
    )
  }

  #candidates(envelope: Envelope): readonly MasterKeyProvider[] {
    const matching = this.#matching(envelope)
    if (matching.length > 0) return matching
    const known = this.#providers.map((p) => `${p.wrapAlgorithm} ${describe(p)}`).join('; ')
    throw new CseError(
      'ERR_CSE_NO_MATCHING_KEY',
      `No key in the keyring matches this object: its content key was wrapped by ${envelope.wrapAlgorithm} ${describe(envelope)}. Known keys: ${known}.`,
    )
  }

  /** See FORMAT.md, "The keyring". */
  #matching(envelope: Pick<Envelope, 'wrapAlgorithm' | 'materialDescription'>): readonly MasterKeyProvider[] {
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
      return listed
    }
    return []
  }
}

function copied({ cek, iv }: ContentKey): ContentKey {
  if (cek.length !== CEK_BYTES || iv.length !== IV_BYTES) throw unwrapFailed()
  return { cek: Uint8Array.from(cek), iv: Uint8Array.from(iv) }
}

/** The names of the wrap algorithms of RSA keys: `rsa` in V1, `RSA/…` in V2. */
const RSA = /^rsa(\/|$)/i

function isUnwrapFailed(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_UNWRAP_FAILED'
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
