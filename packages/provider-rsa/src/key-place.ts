/** A key as the user passes it: PEM text, or the bytes of a PEM file. */
export type KeyData = string | Uint8Array

/** The place of a key, in the words that an error message needs. */
export interface KeyPlace {
  /** Which half belongs there. */
  readonly half: 'private' | 'public'
  /** Inside a sentence: `` `privateKey` ``. */
  readonly name: string
  /** At the start of a sentence: ``The `privateKey` option``. */
  readonly subject: string
  /** What to do if it contains the other half of a key. */
  readonly whenOtherHalf: string
  /** What to do if it contains neither a PEM block nor a key in a known format. */
  whenNoPem(data: KeyData): string
}

/** The places of the two halves of a key. */
export interface KeyPlaces {
  readonly privateKey: KeyPlace
  readonly publicKey: KeyPlace
  /** What to do if the halves do not match. */
  readonly whenNoPair: string
}

/** The text may be the path of the right file. */
function fileNotPath(data: KeyData): string {
  return typeof data === 'string'
    ? 'Pass the text of the key file (`-----BEGIN …`), not its path.'
    : 'Pass a key file with a `-----BEGIN …` line.'
}

/** The options of a provider that takes PEM texts. */
export const KEY_OPTIONS: KeyPlaces = {
  privateKey: {
    half: 'private',
    name: '`privateKey`',
    subject: 'The `privateKey` option',
    whenOtherHalf: 'Pass the private key there, or move this one to `publicKey` to encrypt only.',
    whenNoPem: fileNotPath,
  },
  publicKey: {
    half: 'public',
    name: '`publicKey`',
    subject: 'The `publicKey` option',
    whenOtherHalf:
      'Move it to `privateKey`, which also encrypts. If you only want to encrypt, derive the public key: `openssl pkey -pubout`.',
    whenNoPem: fileNotPath,
  },
  whenNoPair: 'Pass a matching pair, or `privateKey` alone.',
}

/** The places of a pair of key files. */
export function keyFilePlaces(privateKeyPath: string, publicKeyPath: string): KeyPlaces {
  return {
    privateKey: {
      half: 'private',
      name: privateKeyPath,
      subject: `The file ${privateKeyPath}`,
      whenOtherHalf: `Only ${publicKeyPath} may contain a public key. Restore the private key.`,
      whenNoPem: () => 'Restore the key from a backup.',
    },
    publicKey: {
      half: 'public',
      name: publicKeyPath,
      subject: `The file ${publicKeyPath}`,
      whenOtherHalf: `Only ${privateKeyPath} may contain a private key. Put the public key here. Derive it with \`openssl pkey -pubout\`.`,
      whenNoPem: () => 'Derive it again from the private key: `openssl pkey -pubout`.',
    },
    whenNoPair: 'One of the files was replaced. Restore the pair that encrypted your objects from a backup.',
  }
}
