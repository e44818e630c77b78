import { CseError, decodeBase64, encodeBase64, wipe } from '@oss-cse/crypto-core'
import { openPassphraseKey, type PassphraseWrappedKey } from './passphrase-key.ts'
import { subtleCrypto } from './subtle-crypto.ts'
import { unwrapMasterKey, WRAPPED_BYTES, wrapMasterKey } from './wrapped-master-key.ts'

/** A master key that is wrapped under a passkey: plain JSON. Without the passkey it opens nothing. */
export interface PasskeyWrappedKey {
  readonly version: 1
  /** The domain that the passkey belongs to. */
  readonly rpId: string
  /** Which passkey it is, in base64. */
  readonly credentialId: string
  /** 16 random bytes, in base64. */
  readonly salt: string
  /** The master key under AES-256-GCM, in base64. The tag also covers the fields above. */
  readonly wrappedKey: string
}

/** Options of {@link addPasskey}. */
export interface PasskeyOptions {
  /** The app, as the browser shows it. */
  readonly rpName: string
  /** The domain that the passkey belongs to: that of the page, or one above it. Default: that of the page. */
  readonly rpId?: string | undefined
  /** The user, as the browser shows them. `id` has 1 to 64 bytes and is no secret. It must not name the person. */
  readonly user: { readonly id: Uint8Array; readonly name: string; readonly displayName: string }
  /** Closes the dialog of the browser. */
  readonly signal?: AbortSignal | undefined
}

/** The input of the PRF. Each passkey returns another secret for it. Another version of the format takes another text. */
const PRF_LABEL = 'oss-cse passkey key 1'
const SALT_BYTES = 16
/** ES256, Ed25519 and RS256. The signatures are not used. */
const SIGNATURES = [-7, -8, -257]

/**
 * Makes a passkey that opens a master key, beside its passphrase. The passkey must have the extension PRF, from which the wrapping key
 * follows. A key that only a passkey opens cannot be made: anyone who deletes the passkey would lose all objects. Call it in response to a
 * click.
 *
 * @param wrappedKey - what {@link createPassphraseKey} returned. Keep it: its passphrase is the way back
 * @param passphrase - its passphrase, such as a random recovery code that the user writes down
 * @returns the master key under the passkey, to store beside `wrappedKey`. A key can have several
 * @throws CseError as {@link keyFromPassphrase}, before the browser asks anything
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` if there are no passkeys here, the user cancels, or the passkey has no PRF; the
 * signal's reason
 *
 * @example
 * ```ts
 * const recoveryCode = crypto.randomUUID() // show it to the user, once
 * const { key, wrappedKey } = await createPassphraseKey(recoveryCode)
 * const passkey = await addPasskey(wrappedKey, recoveryCode, { rpName: 'Drive', user })
 * await saveOnServer(JSON.stringify({ wrappedKey, passkeys: [passkey] }))
 * ```
 */
export async function addPasskey(
  wrappedKey: PassphraseWrappedKey,
  passphrase: string,
  options: PasskeyOptions,
): Promise<PasskeyWrappedKey> {
  const { rpName, rpId = globalThis.location?.hostname, user, signal } = options
  signal?.throwIfAborted()
  const masterKey = await openPassphraseKey(wrappedKey, passphrase, true)
  const credential = await asked(signal, () =>
    passkeys().create({
      publicKey: {
        rp: { id: rpId, name: rpName },
        user: { ...user, id: Uint8Array.from(user.id) },
        challenge: randomBytes(32),
        pubKeyCredParams: SIGNATURES.map((alg) => ({ type: 'public-key', alg })),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
        extensions: { prf: { eval: { first: prfInput() } } },
      },
      ...(signal !== undefined && { signal }),
    }),
  )
  const { prf } = credential.getClientExtensionResults()
  if (prf?.enabled !== true) {
    throw refused(
      'This passkey has no PRF, so that no key can follow from it. Delete it in the settings of the browser, and use another authenticator or the passphrase.',
    )
  }
  const id = new Uint8Array(credential.rawId)
  // Some authenticators have no result before the first use.
  const secret = secretOf(credential) ?? (await askedSecret(id, rpId, signal))
  const salt = randomBytes(SALT_BYTES)
  const record = { version: 1, rpId, credentialId: encodeBase64(id), salt: encodeBase64(salt) } as const
  const wrappingKey = await deriveWrappingKey(secret, salt)
  return { ...record, wrappedKey: await wrapMasterKey(masterKey, wrappingKey, boundText(record)) }
}

/**
 * Opens a master key with its passkey. No script can read the key. Call it in response to a click.
 *
 * @param passkey - what {@link addPasskey} returned, such as parsed JSON
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` if there are no passkeys here, the user cancels, or the passkey is not on this device: the
 * passphrase still opens the key; the signal's reason
 * @throws CseError `ERR_CSE_PASSPHRASE`, always the same, if the wrapped key was altered
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if `passkey` has another form
 *
 * @example
 * ```ts
 * const key = await keyFromPasskey(JSON.parse(stored))
 * ```
 */
export async function keyFromPasskey(
  passkey: PasskeyWrappedKey,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<CryptoKey> {
  signal?.throwIfAborted()
  const { version, rpId, credentialId, salt, wrappedKey } = passkey ?? {}
  const [id, saltBytes, wrapped] = [credentialId, salt, wrappedKey].map(bytesOf)
  const isRecord = version === 1 && typeof rpId === 'string' && wrapped?.length === WRAPPED_BYTES
  if (!isRecord || id === undefined || saltBytes?.length !== SALT_BYTES) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'The wrapped key is not one that addPasskey of this version returned. Pass the whole object, unchanged.',
    )
  }
  const wrappingKey = await deriveWrappingKey(await askedSecret(id, rpId, signal), saltBytes)
  return unwrapMasterKey(wrappedKey, wrappingKey, boundText(passkey))
}

/** Asks the user for a passkey, and returns its secret. */
async function askedSecret(
  id: Uint8Array<ArrayBuffer>,
  rpId: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const credential = await asked(signal, () =>
    passkeys().get({
      publicKey: {
        rpId,
        challenge: randomBytes(32),
        allowCredentials: [{ type: 'public-key', id }],
        // A passkey has another secret for users who were not verified.
        userVerification: 'required',
        extensions: { prf: { eval: { first: prfInput() } } },
      },
      ...(signal !== undefined && { signal }),
    }),
  )
  const secret = secretOf(credential)
  if (secret !== undefined) return secret
  throw refused('The browser returned no PRF of this passkey. Open the key with its passphrase.')
}

function secretOf(credential: PublicKeyCredential): Uint8Array<ArrayBuffer> | undefined {
  const first = credential.getClientExtensionResults().prf?.results?.first
  return first instanceof ArrayBuffer ? new Uint8Array(first) : undefined
}

/** Wipes the secret. */
async function deriveWrappingKey(
  secret: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
): Promise<CryptoKey> {
  const subtle = subtleCrypto()
  const base = subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey'])
  // WebCrypto has copied it.
  wipe(secret)
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt, info: prfInput() }
  return subtle.deriveKey(algorithm, await base, { name: 'AES-GCM', length: 256 }, false, [
    'wrapKey',
    'unwrapKey',
  ])
}

async function asked(
  signal: AbortSignal | undefined,
  ask: () => Promise<Credential | null>,
): Promise<PublicKeyCredential> {
  try {
    const credential = await ask()
    if (credential !== null) return credential as PublicKeyCredential
  } catch (cause) {
    signal?.throwIfAborted()
    if (CseError.isInstance(cause)) throw cause
    const why = cause instanceof Error ? cause.name : String(cause)
    throw refused(
      `The browser did not use a passkey (${why}): the user cancelled, or there is none on this device. The passphrase still opens the key.`,
      cause,
    )
  }
  throw refused('The browser returned no passkey. The passphrase still opens the key.')
}

function passkeys(): CredentialsContainer {
  const container: CredentialsContainer | undefined = globalThis.navigator?.credentials
  if (container !== undefined) return container
  throw refused('There are no passkeys here. They need a page from https:// or localhost, and no worker.')
}

/** What the tag covers beside the key. */
function boundText({ rpId, credentialId, salt }: Omit<PasskeyWrappedKey, 'wrappedKey'>): string {
  return [PRF_LABEL, rpId, credentialId, salt].join('\n')
}

function prfInput(): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(PRF_LABEL)
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length))
}

function bytesOf(text: unknown): Uint8Array<ArrayBuffer> | undefined {
  const bytes = typeof text === 'string' && text !== '' ? decodeBase64(text) : undefined
  return bytes === undefined ? undefined : Uint8Array.from(bytes)
}

function refused(message: string, cause?: unknown): CseError {
  return new CseError('ERR_CSE_OPERATION_REFUSED', message, { cause })
}
