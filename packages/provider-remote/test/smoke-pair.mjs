import { createWrappingProvider, encodeEnvelope, Keyring } from '@oss-cse/crypto-core'
import { RemoteProvider } from '@oss-cse/provider-remote'
import { createKeyServer } from '@oss-cse/provider-remote/server'

/** An RSA public key of which nobody has the other half. */
const publicKey = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAo0USgKEfN4/SiCa97U2R
St+H45yBIem3vXdz2CC7sWTDuw4zIRSW000ESE3OSNPleTAXDp+hlrKnLmwV9buH
Aa7aMnmPMn09FT6pa/srhLKXlBPXFRQJFQRoQeg8khV8uyq7vuGF/qNGo4MUH5BL
Lyir05mdEG0L1BAGFKuI4+Exj55t3ZP+522Fbb6WZNKGcpOmrB4JYU9OL4qF1Jlz
WJderY1DDQ9XiI7qhpFRwo33id+yPiaP5L3yuKLoteXrykkvn4/CPN8MAgIvMh++
nUd2AuFd6hpQ7lo0lCogeYKMgOvlCB6dXH3+UeRLiX5jDcDAfDjvs/XY9hpY7MfQ
4QIDAQAB
-----END PUBLIC KEY-----
`

function check(condition, what) {
  if (!condition) throw new Error(what)
}

const equal = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i])
const codeOf = (promise) =>
  promise.then(
    () => 'it resolved',
    ({ code }) => code,
  )

/** Runs a page and its key server in one process, with nothing but what each runtime of the Web has. */
export async function smokePair() {
  const master = createWrappingProvider({
    wrapAlgorithm: 'TEST/XOR',
    wrap: (bytes) => bytes.map((byte) => byte ^ 0x55),
    unwrap: (bytes) => bytes.map((byte) => byte ^ 0x55),
  })
  const objects = new Map()
  const keyServer = createKeyServer({
    keyring: new Keyring({ encrypting: master }),
    transport: {
      get: () => Promise.reject(new Error('it reads no content')),
      head: async ({ key }) => ({ status: 200, headers: { ...objects.get(key), etag: '"1"' } }),
    },
    authorize: (request, { key }) =>
      key.startsWith('mine/') ? (request.headers.get('x-user') ?? undefined) : undefined,
  })
  const networkFetch = globalThis.fetch
  globalThis.fetch = (url, init) => keyServer(new Request(url, init))
  try {
    const page = new RemoteProvider({
      url: 'https://keys.example/',
      wrapAlgorithm: 'TEST/XOR',
      headers: () => ({ 'x-user': 'me' }),
    })
    const ring = new Keyring({ encrypting: page })
    const made = await Promise.all(
      Array.from({ length: 80 }, async (_, i) => {
        const object = { key: `mine/${i}` }
        const { envelope, contentKey } = await ring.generate({}, { object })
        objects.set(object.key, encodeEnvelope(envelope))
        return { object, envelope, contentKey }
      }),
    )
    const keys = await Promise.all(made.map(({ envelope, object }) => page.unwrap(envelope, { object })))
    check(
      keys.every(({ cek, iv }, i) => equal(cek, made[i].contentKey.cek) && equal(iv, made[i].contentKey.iv)),
      'another key came back',
    )
    const [{ envelope }, other] = made
    const refused = await codeOf(page.unwrap(envelope, { object: { key: 'yours/0' } }))
    check(refused === 'ERR_CSE_UNWRAP_FAILED', refused)
    const changed = await codeOf(page.unwrap(other.envelope, { object: { key: 'mine/0' } }))
    check(changed === 'ERR_CSE_PRECONDITION_FAILED', changed)
    const encrypting = new RemoteProvider({ publicKey })
    const { wrappedCek, wrappedIv } = await encrypting.generateContentKey(new Uint8Array(16))
    check(atob(wrappedCek).length === 256 && atob(wrappedIv).length === 256, 'RSA did not wrap')
    return `${keys.length} keys came from the key server`
  } finally {
    globalThis.fetch = networkFetch
  }
}
