/** A key as the caller passes it: PEM text, or the bytes of a PEM file. */
export type KeyData = string | Uint8Array

/** The place of a key, in the words of error messages. */
export interface KeyPlace {
  /** The half that belongs there. */
  readonly half: 'private' | 'public'
  /** The place within a sentence: `` `privateKey` ``. */
  readonly name: string
  /** The place at the start of a sentence: ``The `privateKey` option``. */
  readonly subject: string
  /** What to do if it holds the other half of a key. */
  readonly whenOtherHalf: string
  /** What to do if it holds neither a PEM block nor a key in a known format. */
  whenNoPem(data: KeyData): string
}

/** The places of both halves of a key. */
export interface KeyPlaces {
  readonly privateKey: KeyPlace
  readonly publicKey: KeyPlace
  /** What to do if the halves do not match. */
  readonly whenNoPair: string
}

/** A string without PEM may be the path of the right file. */
function fileNotPath(data: KeyData): string {
  return typeof data === 'string'
    ? 'Pass the text of the key file (`-----BEGIN …`), not its path.'
    : 'Pass a key file with a `-----BEGIN …` line.'
}

/** The options of a provider that accepts PEM. */
export const KEY_OPTIONS: KeyPlaces = {
  privateKey: {
    half: 'private',
    name: '`privateKey`',
    subject: 'The `privateKey` option',
    whenOtherHalf: 'Pass the private key there, or move this key to `publicKey` to encrypt only.',
    whenNoPem: fileNotPath,
  },
  publicKey: {
    half: 'public',
    name: '`publicKey`',
    subject: 'The `publicKey` option',
    whenOtherHalf:
      'Move it to `privateKey`, which also encrypts. To encrypt only, derive the public key: `openssl pkey -pubout`.',
    whenNoPem: fileNotPath,
  },
  whenNoPair: 'Pass a matching pair, or `privateKey` alone.',
}

/** A pair of key files. */
export function keyFilePlaces(privateKeyPath: string, publicKeyPath: string): KeyPlaces {
  return {
    privateKey: {
      half: 'private',
      name: privateKeyPath,
      subject: `The file ${privateKeyPath}`,
      whenOtherHalf: `The public key belongs in ${publicKeyPath}. Restore the private key.`,
      whenNoPem: () => 'Restore the key from a backup.',
    },
    publicKey: {
      half: 'public',
      name: publicKeyPath,
      subject: `The file ${publicKeyPath}`,
      whenOtherHalf: `The private key belongs in ${privateKeyPath}. Derive the public key: \`openssl pkey -pubout\`.`,
      whenNoPem: () => 'Derive it again from the private key: `openssl pkey -pubout`.',
    },
    whenNoPair: 'One of the files was replaced: restore the pair that encrypted your objects from a backup.',
  }
}
