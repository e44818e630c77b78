const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----$/

/** A PEM block, decoded. */
export interface DecodedPem {
  readonly der: Uint8Array
  readonly form: 'spki' | 'pkcs1'
}

/** @throws TypeError unless the text is one block with a public key */
export function derOfPem(text: string): DecodedPem {
  if (text.includes('PRIVATE KEY-----')) {
    throw new TypeError(
      'This is a private key. Anyone who can read this program could take it. Pass the public key: `openssl pkey -pubout`.',
    )
  }
  const [, label, base64 = ''] = BLOCK.exec(text.trim()) ?? []
  const form = label === 'PUBLIC KEY' ? 'spki' : label === 'RSA PUBLIC KEY' ? 'pkcs1' : undefined
  if (form === undefined) {
    throw new TypeError(
      'The public key must be PEM with one block, PUBLIC KEY or RSA PUBLIC KEY. Of a certificate: `openssl x509 -pubkey -noout`.',
    )
  }
  return { der: decoded(base64.replaceAll(/[\r\n]/g, '')), form }
}

function decoded(base64: string): Uint8Array {
  let binary: string
  try {
    binary = atob(base64)
  } catch {
    binary = ''
  }
  // Decoders accept more than one text for the same bytes.
  if (btoa(binary) !== base64) throw new TypeError('The PEM of the public key is damaged. Copy it again.')
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
