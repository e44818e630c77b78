import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { CtrCipher, decodeEnvelope, encodeBase64, Keyring } from '@oss-cse/crypto-core'
import { isEmptyDescription, USER_METADATA_PREFIX } from '@oss-cse/crypto-core/internal'
import { AlicloudKms, KmsProvider } from '@oss-cse/provider-kms'
import { LocalRsaProvider, RsaProvider } from '@oss-cse/provider-rsa'
import { KEYS } from './matrix.js'

const PACKAGE = new URL('../sdk-vectors/', import.meta.url)
const VECTORS = new URL('vectors/', PACKAGE)

const MADE = 'pnpm interop --vectors'
const NOTE =
  'What an SDK wrote in the laboratory of tooling/interop. Its keys were made for that and protect nothing.'
const KEYS_NOTE =
  'The keys of the vectors beside this file, made for them: they protect nothing. No object is under the RSA key b.'

const MAX_BYTES = 1000
/** The one larger object. */
const IN_PARTS = '100 KiB + 37 bytes, multipart calls'
/** What the other sizes show as well. */
const REDUNDANT = ['1 byte', '15 bytes', '16 bytes']
/** Written like others, and told apart by their readers alone. */
const SEVERAL_KEYS = ['several', 'several-hard', 'kms-several', 'mixed']
const NO_VECTORS_OF = ['plain']
/** Under this key pair there is nothing: it is there to be refused. */
const STRANGER = 'b'

/**
 * Writes what each writer wrote, as far as it is small, into `tooling/sdk-vectors`: one file for each writer, and the
 * keys. Every object was decrypted before it is written. The keys are those of this run, so all files are new.
 *
 * @param {import('./lab.js').Lab} lab
 * @param {readonly import('./participants.js').Participant[]} participants
 * @param {readonly import('./run-matrix.js').Written[]} written
 */
export async function writeVectors(lab, participants, written) {
  const files = new Map()
  for (const { name, title, handMade, versions } of participants) {
    const theirs = written.filter(({ writer, object }) => writer === name && isVector(name, object))
    const objects = []
    for (const { object, key } of theirs) objects.push(await vectorOf(lab, object, key))
    const sdk = handMade ? `${title.replace(' †', '')}, by hand` : title
    if (objects.length > 0) files.set(name, { sdk, versions, made: MADE, note: NOTE, objects })
  }
  const masterKeys = [...files.values()].flatMap(({ objects }) => objects.map(({ masterKey }) => masterKey))
  checkImports([...files.keys()])
  mkdirSync(VECTORS, { recursive: true })
  for (const name of readdirSync(VECTORS)) rmSync(new URL(name, VECTORS))
  for (const [name, file] of files) writeJson(name, file)
  writeJson('keys', { made: MADE, note: KEYS_NOTE, ...keyFiles(lab, masterKeys) })
}

function isVector(writer, { id, keys, size, sealed = false }) {
  // Those are checked against vectors of another origin.
  if (sealed) return false
  if (NO_VECTORS_OF.includes(writer) || REDUNDANT.includes(id) || SEVERAL_KEYS.includes(keys)) return false
  return size <= MAX_BYTES || id === IN_PARTS
}

async function vectorOf(lab, object, key) {
  const stored = await lab.stored(key)
  const headers = Object.fromEntries(
    Object.entries(stored.headers)
      .map(([name, value]) => [name.toLowerCase(), value])
      .filter(([name]) => name.startsWith(USER_METADATA_PREFIX))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  const [reader] = KEYS[object.keys].read(lab, 'oss-cse')
  const { provider, masterKey } = PROVIDERS[reader.kind](reader, lab)
  const envelope = decodeEnvelope(headers)
  const { cek, iv } = await new Keyring({ encrypting: provider }).unwrap(envelope)
  const { bytes } = lab.source(object.size)
  const plaintext = await new CtrCipher({ cek, iv }).bytes(stored.bytes)
  if (!bytes.equals(plaintext)) throw new Error(`${key} does not decrypt to what was encrypted.`)
  return {
    kind: object.id,
    headers,
    masterKey,
    // Java V2 is told a description and writes none.
    description: isEmptyDescription(envelope.materialDescription) ? [] : reader.description,
    cek: encodeBase64(cek),
    iv: encodeBase64(iv),
    sizeBytes: bytes.length,
    plaintextSha256: createHash('sha256').update(bytes).digest('hex'),
    ciphertext: encodeBase64(stored.bytes),
  }
}

/** Who unwraps, and how the vector names the master key. */
const PROVIDERS = {
  rsa: ({ kind, privateKeyFile, description }) => ({
    provider: new RsaProvider({
      privateKey: readFileSync(privateKeyFile, 'utf8'),
      materialDescription: Object.fromEntries(description),
    }),
    masterKey: { kind, name: basename(privateKeyFile, '.private.pem') },
  }),
  'local-rsa': ({ kind, dir, prefix, passphrase }) => ({
    provider: new LocalRsaProvider({ directory: dir, prefix, passphrase }),
    masterKey: { kind, name: prefix, passphrase },
  }),
  kms: ({ kind, keyId, passphrase, description }, lab) => {
    const { http, region, accessKeyId, accessKeySecret } = lab.settings.kms
    const kms = new AlicloudKms({ region, endpoint: http, accessKeyId, accessKeySecret })
    const answers = []
    return {
      provider: new KmsProvider({
        client: recorded(kms, answers),
        keyId,
        passphrase,
        materialDescription: Object.fromEntries(description),
      }),
      masterKey: { kind, keyId, passphrase, answers },
    }
  },
}

/** A client of KMS that keeps what Decrypt answered. */
function recorded(kms, answers) {
  return {
    generateDataKey: (request) => kms.generateDataKey(request),
    encrypt: (request) => kms.encrypt(request),
    async decrypt(request) {
      const { plaintext, keyId } = await kms.decrypt(request)
      const { ciphertextBlob, encryptionContext = {} } = request
      answers.push({ ciphertextBlob, encryptionContext, plaintext, keyId })
      return { plaintext, keyId }
    },
  }
}

function keyFiles(lab, masterKeys) {
  const namesOf = (kind) => [
    ...new Set(masterKeys.filter((key) => key.kind === kind).map(({ name }) => name)),
  ]
  const text = (...path) => readFileSync(lab.path(...path), 'utf8')
  const pem = (name) => ({ privateKeyPem: text('keys', `${name}.private.pem`) })
  const localPems = (prefix) => ({
    privateKeyPem: text('local-rsa', `${prefix}.private_key.pem`),
    publicKeyPem: text('local-rsa', `${prefix}.public_key.pem`),
  })
  return {
    rsa: Object.fromEntries([...namesOf('rsa'), STRANGER].map((name) => [name, pem(name)])),
    'local-rsa': Object.fromEntries(namesOf('local-rsa').map((prefix) => [prefix, localPems(prefix)])),
  }
}

/** A file that `index.js` does not import would be tested by nobody. */
function checkImports(names) {
  const source = readFileSync(new URL('index.js', PACKAGE), 'utf8')
  const forgotten = names.filter((name) => !source.includes(`'./vectors/${name}.json'`))
  if (forgotten.length > 0) throw new Error(`sdk-vectors/index.js does not import ${forgotten.join(', ')}.`)
}

function writeJson(name, value) {
  writeFileSync(new URL(`${name}.json`, VECTORS), `${JSON.stringify(value, null, 2)}\n`)
}
