/** A key format other than PEM, and the commands that convert it to PEM. */
export interface KeyForm {
  /** The name, as it appears in a sentence: `a key pair as PKCS#12`. */
  readonly name: string
  /** The command that converts it to a PEM private key, if it holds one. */
  readonly toPrivateKey?: string
  /** The command that converts it to a PEM public key or certificate, if it holds one. */
  readonly toPublicKey?: string
}

/** One DER element: its tag, and the bytes that follow its length. */
interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
}

const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const OBJECT_IDENTIFIER = 0x06
const SEQUENCE = 0x30
const CONTEXT_0 = 0xa0

const NOT_RSA = 'a key that is not an RSA key'
const OPENPGP: KeyForm = {
  name: 'an OpenPGP key, which cannot be converted: use a separate RSA key',
}

/**
 * Recognizes the common key formats other than PEM: DER, PKCS#12, UTF-16, PuTTY, JWK, and SSH public keys.
 *
 * @param data - a key file's bytes, or its text
 * @returns `undefined` if it is none of them
 */
export function recognizeKeyForm(data: string | Uint8Array): KeyForm | undefined {
  if (typeof data === 'string') return textForm(data) ?? binaryTextForm(data)
  return derForm(data) ?? utf16Form(data) ?? textForm(Buffer.from(data).toString('utf8'))
}

/** Recognizes PEM blocks that hold no key, or a key in a format that cannot be used. */
export function recognizePemLabel(label: string): KeyForm | undefined {
  if (label.startsWith('PGP ')) return OPENPGP
  return LABELS.get(label)
}

const LABELS: ReadonlyMap<string, KeyForm> = new Map([
  [
    'OPENSSH PRIVATE KEY',
    {
      name: 'an OpenSSH private key',
      // ssh-keygen replaces the file, so the command works on a copy.
      toPrivateKey: 'cp id_rsa key.pem && ssh-keygen -p -m PEM -f key.pem',
    },
  ],
  [
    'CERTIFICATE REQUEST',
    {
      name: 'a certificate request',
      toPublicKey: 'openssl req -in request.pem -pubkey -noout -out key.pem',
    },
  ],
  [
    'TRUSTED CERTIFICATE',
    {
      name: 'a certificate with OpenSSL’s trust settings',
      toPublicKey: 'openssl x509 -in cert.pem -out key.pem',
    },
  ],
  [
    'PKCS7',
    { name: 'certificates as PKCS#7', toPublicKey: 'openssl pkcs7 -in certs.p7b -print_certs -out key.pem' },
  ],
])

function textForm(text: string): KeyForm | undefined {
  const puttyKind = /^\s*PuTTY-User-Key-File-\d+: *(\S+)/.exec(text)?.[1]
  if (puttyKind !== undefined) {
    return puttyKind === 'ssh-rsa'
      ? { name: 'a PuTTY private key', toPrivateKey: 'puttygen key.ppk -O private-openssh -o key.pem' }
      : { name: NOT_RSA }
  }
  const sshKind = /^[ \t]*(?:[^\s#]+ )?(ssh-[a-z0-9]+|ecdsa-\S+|sk-\S+) AAAA/m.exec(text)?.[1]
  if (sshKind !== undefined) {
    return sshKind === 'ssh-rsa'
      ? { name: 'an SSH public key', toPublicKey: 'ssh-keygen -e -m PKCS8 -f id_rsa.pub > key.pem' }
      : { name: NOT_RSA }
  }
  if (text.includes('---- BEGIN SSH2 PUBLIC KEY ----')) {
    return {
      name: 'an SSH public key (RFC 4716)',
      toPublicKey: 'ssh-keygen -i -f key.pub > id_rsa.pub && ssh-keygen -e -m PKCS8 -f id_rsa.pub > key.pem',
    }
  }
  return jwkForm(text) ?? bareBase64Form(text)
}

function jwkForm(text: string): KeyForm | undefined {
  if (!text.trimStart().startsWith('{')) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { kty, d } = value as { readonly kty?: unknown; readonly d?: unknown }
  if (kty === undefined) return undefined
  if (kty !== 'RSA') return { name: NOT_RSA }
  const command = (half: string, type: string): string =>
    `node -p 'crypto.create${half}Key({ key: JSON.parse(fs.readFileSync("key.json")), format: "jwk" }).export({ type: "${type}", format: "pem" })' > key.pem`
  return d === undefined
    ? { name: 'a public key as JWK', toPublicKey: command('Public', 'spki') }
    : { name: 'a private key as JWK', toPrivateKey: command('Private', 'pkcs8') }
}

/** The content of a PEM block without its BEGIN and END lines, as the consoles of cloud services show keys. */
function bareBase64Form(text: string): KeyForm | undefined {
  const base64 = text.replaceAll(/\s/g, '')
  if (!/^M[A-Za-z0-9+/]{60,}={0,2}$/.test(base64)) return undefined
  const form = derForm(Buffer.from(base64, 'base64'))
  if (form === undefined) return undefined
  const piped = (command: string): string =>
    `tr -d '[:space:]' < key.txt | openssl base64 -d -A | ${command.replace(/ -in \S+/, '')}`
  return {
    name: `${form.name}, in base64 without its BEGIN and END lines`,
    ...(form.toPrivateKey !== undefined && { toPrivateKey: piped(form.toPrivateKey) }),
    ...(form.toPublicKey !== undefined && { toPublicKey: piped(form.toPublicKey) }),
  }
}

/** Binary data that was read as text. */
function binaryTextForm(text: string): KeyForm | undefined {
  if (text.includes('\0')) {
    const utf16 = utf16Form(Buffer.from(text.slice(0, 1000), 'utf8'))
    if (utf16 !== undefined) return utf16
  }
  // Latin-1 keeps each byte. UTF-8 replaces the bytes that it cannot decode.
  if (!/^0[\x80-\x84\uFFFD]/.test(text)) return undefined
  const form = /^[\0-\xFF]*$/.test(text) ? derForm(Buffer.from(text, 'latin1')) : undefined
  return (
    form ?? { name: 'binary data, such as DER or PKCS#12, that was read as text: pass the bytes of the file' }
  )
}

function utf16Form(bytes: Uint8Array): KeyForm | undefined {
  const [first, second, third, fourth] = bytes
  const marked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  const little = first !== 0 && second === 0 && third !== 0 && fourth === 0
  const big = first === 0 && second !== 0 && third === 0 && fourth !== 0
  // A byte order mark that was decoded as UTF-8 becomes two replacement characters.
  const replaced = Buffer.from(bytes.subarray(0, 6)).toString('utf8') === '\uFFFD\uFFFD'
  if (!marked && !little && !big && !replaced) return undefined
  const encoding = marked || replaced ? 'UTF-16' : little ? 'UTF-16LE' : 'UTF-16BE'
  const command = `iconv -f ${encoding} -t UTF-8 key.txt > key.pem`
  return { name: 'text in UTF-16, as Windows writes it', toPrivateKey: command, toPublicKey: command }
}

function derForm(bytes: Uint8Array): KeyForm | undefined {
  // BER of indefinite length, as some tools write PKCS#12.
  if (bytes[0] === SEQUENCE && bytes[1] === 0x80 && bytes[2] === INTEGER && bytes[4] === 3)
    return pkcs12Form()
  const [top] = derElements(bytes)
  if (top?.tag !== SEQUENCE) return undefined
  const parts = derElements(top.content)
  const tags = parts.map(({ tag }) => tag)
  const [first, second, third] = parts
  if (first?.tag === INTEGER) {
    if (second?.tag === OCTET_STRING) return { name: NOT_RSA }
    if (second?.tag === INTEGER) return parts.length === 2 ? pkcs1PublicForm() : privateForm('PKCS#1')
    if (second?.tag !== SEQUENCE) return undefined
    if (third?.tag === OCTET_STRING) return privateForm('PKCS#8')
    return first.content[0] === 3 ? pkcs12Form() : undefined
  }
  if (first?.tag === OBJECT_IDENTIFIER && second?.tag === CONTEXT_0) {
    return {
      name: 'certificates as PKCS#7',
      toPublicKey: 'openssl pkcs7 -inform DER -in certs.p7b -print_certs -out key.pem',
    }
  }
  if (first?.tag !== SEQUENCE) return undefined
  if (second?.tag === BIT_STRING) {
    return {
      name: 'a public key as DER (SPKI)',
      toPublicKey: 'openssl pkey -pubin -inform DER -in key.der -out key.pem',
    }
  }
  if (second?.tag === OCTET_STRING) {
    return {
      name: 'an encrypted private key as DER (PKCS#8)',
      toPrivateKey: 'openssl pkcs8 -topk8 -inform DER -in key.der -out key.pem',
    }
  }
  if (tags[1] === SEQUENCE && tags[2] === BIT_STRING) return signedForm(first)
  return undefined
}

/** A certificate begins with its version, or its serial number, then the algorithm, issuer and validity. */
function signedForm({ content }: DerElement): KeyForm {
  const tags = derElements(content).map(({ tag }) => tag)
  return tags[0] === CONTEXT_0 || tags[3] === SEQUENCE
    ? {
        name: 'a certificate as DER (X.509)',
        toPublicKey: 'openssl x509 -inform DER -in cert.der -out key.pem',
      }
    : {
        name: 'a certificate request as DER',
        toPublicKey: 'openssl req -inform DER -in request.der -pubkey -noout -out key.pem',
      }
}

function privateForm(standard: string): KeyForm {
  return {
    name: `a private key as DER (${standard})`,
    toPrivateKey: 'openssl pkey -inform DER -in key.der -out key.pem',
  }
}

function pkcs1PublicForm(): KeyForm {
  return {
    name: 'a public key as DER (PKCS#1)',
    toPublicKey: 'openssl rsa -RSAPublicKey_in -inform DER -in key.der -pubout -out key.pem',
  }
}

function pkcs12Form(): KeyForm {
  return {
    name: 'a key pair as PKCS#12 (.p12, .pfx)',
    toPrivateKey: 'openssl pkcs12 -in key.p12 -nocerts -out key.pem',
    toPublicKey: 'openssl pkcs12 -in key.p12 -clcerts -nokeys -out key.pem',
  }
}

/** Returns the consecutive DER elements of `bytes`, up to the first incomplete one. */
function derElements(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = []
  for (let at = 0; at + 2 <= bytes.length && elements.length < 16; ) {
    const tag = bytes[at] ?? 0
    const short = bytes[at + 1] ?? 0
    const lengthBytes = short < 0x80 ? 0 : short & 0x7f
    if (short === 0x80 || lengthBytes > 4) return elements
    const start = at + 2 + lengthBytes
    const long = bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0)
    const end = start + (short < 0x80 ? short : long)
    if (end > bytes.length) return elements
    elements.push({ tag, content: bytes.subarray(start, end) })
    at = end
  }
  return elements
}
