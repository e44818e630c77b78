/** A key as it is given: PEM text, or the bytes of a PEM file. */
export type KeyData = string | Uint8Array

/** Where a key was found, in the words that an error message needs. */
export interface KeyPlace {
  /** Which half belongs there. */
  readonly half: 'private' | 'public'
  /** Inside a sentence: `` `privateKey` ``. */
  readonly name: string
  /** At the head of a sentence: ``The `privateKey` option``. */
  readonly subject: string
  /** What to do when it holds the other half of a key. */
  readonly whenOtherHalf: string
  /** What to do when it holds no PEM block at all, nor a key in a form that is known. */
  whenNoPem(data: KeyData): string
}

/** Where the two halves of a key were found. */
export interface KeyPlaces {
  readonly privateKey: KeyPlace
  readonly publicKey: KeyPlace
  /** What to do when the halves do not belong together. */
  readonly whenNoPair: string
}

/** A text may be the path of the right file. */
function fileNotPath(data: KeyData): string {
  return typeof data === 'string'
    ? 'Give the text of the key file (`-----BEGIN …`), not its path.'
    : 'Give a key file with a `-----BEGIN …` line.'
}

/** The options of a provider that takes PEM texts. */
export const KEY_OPTIONS: KeyPlaces = {
  privateKey: {
    half: 'private',
    name: '`privateKey`',
    subject: 'The `privateKey` option',
    whenOtherHalf: 'Give the private key there, or move this one to `publicKey` to encrypt only.',
    whenNoPem: fileNotPath,
  },
  publicKey: {
    half: 'public',
    name: '`publicKey`',
    subject: 'The `publicKey` option',
    whenOtherHalf:
      'Move it to `privateKey`, which also encrypts; where only encryption is wanted, derive the public key: `openssl pkey -pubout`.',
    whenNoPem: fileNotPath,
  },
  whenNoPair: 'Give a matching pair, or `privateKey` alone.',
}

/** A pair of key files. */
export function keyFilePlaces(privateKeyPath: string, publicKeyPath: string): KeyPlaces {
  return {
    privateKey: {
      half: 'private',
      name: privateKeyPath,
      subject: `The file ${privateKeyPath}`,
      whenOtherHalf: `Only ${publicKeyPath} holds a public key: put the private key back.`,
      whenNoPem: () => 'Put the key back from a backup.',
    },
    publicKey: {
      half: 'public',
      name: publicKeyPath,
      subject: `The file ${publicKeyPath}`,
      whenOtherHalf: `Only ${privateKeyPath} holds a private key: put the public key here, \`openssl pkey -pubout\` derives it.`,
      whenNoPem: () => 'Derive it afresh from the private key: `openssl pkey -pubout`.',
    },
    whenNoPair:
      'One of the files was replaced: put the pair back that encrypted your objects, from a backup.',
  }
}
