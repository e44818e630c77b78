/** Where a PEM text was found, in the words that an error message needs. */
export interface KeyPlace {
  /** Inside a sentence: `` `privateKey` ``. */
  readonly name: string
  /** At the head of a sentence: ``The `privateKey` option``. */
  readonly subject: string
  /** What to do when it holds the other half of a key. */
  readonly whenOtherHalf: string
  /** What to do when it holds no PEM block at all. */
  readonly whenNoPem: string
}

/** Where the two halves of a key were found. */
export interface KeyPlaces {
  readonly privateKey: KeyPlace
  readonly publicKey: KeyPlace
  /** What to do when the halves do not belong together. */
  readonly whenNoPair: string
}

const TEXT_NOT_PATH = 'Give the text of the key file (`-----BEGIN …`), not its path.'

/** The options of a provider that takes PEM texts. */
export const KEY_OPTIONS: KeyPlaces = {
  privateKey: {
    name: '`privateKey`',
    subject: 'The `privateKey` option',
    whenOtherHalf: 'Give the private key there, or move this one to `publicKey` to encrypt only.',
    whenNoPem: TEXT_NOT_PATH,
  },
  publicKey: {
    name: '`publicKey`',
    subject: 'The `publicKey` option',
    whenOtherHalf:
      'Move it to `privateKey`, which also encrypts; where only encryption is wanted, derive the public key: `openssl pkey -pubout`.',
    whenNoPem: TEXT_NOT_PATH,
  },
  whenNoPair: 'Give a matching pair, or `privateKey` alone.',
}

/** A pair of key files. */
export function keyFilePlaces(privateKeyPath: string, publicKeyPath: string): KeyPlaces {
  return {
    privateKey: {
      name: privateKeyPath,
      subject: `The file ${privateKeyPath}`,
      whenOtherHalf: `Only ${publicKeyPath} holds a public key: put the private key back.`,
      whenNoPem: 'Put the key back from a backup.',
    },
    publicKey: {
      name: publicKeyPath,
      subject: `The file ${publicKeyPath}`,
      whenOtherHalf: `Only ${privateKeyPath} holds a private key: put the public key here, \`openssl pkey -pubout\` derives it.`,
      whenNoPem: 'Derive it afresh from the private key: `openssl pkey -pubout`.',
    },
    whenNoPair:
      'One of the files was replaced: put the pair back that encrypted your objects, from a backup.',
  }
}
