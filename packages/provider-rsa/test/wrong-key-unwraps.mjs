// Counts how often a wrong key unwraps something: `node test/wrong-key-unwraps.mjs 60000`, on the built package.
//
// Half of the objects are wrapped with one key of a pool and unwrapped with another; half are random numbers below
// the modulus. As a control, that the count could have been other than zero, one in five is also given to
// node:crypto with PKCS#1 padding, where Node.js offers that: there a wrong key "succeeds" with random bytes, of
// the right length once in some hundred tries.
import { constants, createPrivateKey, privateDecrypt, randomBytes } from 'node:crypto'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'

const POOL = 40
const count = Number(process.argv[2] ?? 1000)
if (!Number.isInteger(count) || count < 1) throw new Error('usage: node test/wrong-key-unwraps.mjs <count>')

const pool = []
for (let i = 0; i < POOL; i++) {
  const { privateKey } = await generateRsaKeyPair({ bits: 2048 })
  const key = createPrivateKey(privateKey)
  const modulus = Buffer.from(key.export({ format: 'jwk' }).n, 'base64url')
  pool.push({ provider: new RsaProvider({ privateKey }), key, modulus })
}

function randomBelow(modulus) {
  for (;;) {
    const bytes = randomBytes(modulus.length)
    if (Buffer.compare(bytes, modulus) < 0) return bytes.toString('base64')
  }
}

/** The length that node:crypto claims to have decrypted, or undefined where it refuses. */
function controlLength(key, wrapped) {
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(wrapped, 'base64'))
      .length
  } catch {
    return undefined
  }
}

const tally = {
  otherKey: 0,
  random: 0,
  accepted: 0,
  otherErrors: 0,
  control: 0,
  controlAny: 0,
  controlCek: 0,
}
for (let i = 0; i < count; i++) {
  const from = Math.floor(Math.random() * POOL)
  const to = (from + 1 + Math.floor(Math.random() * (POOL - 1))) % POOL
  const { provider, key, modulus } = pool[to]
  let wrapped
  if (i % 2 === 0) {
    wrapped = await pool[from].provider.generateContentKey(randomBytes(16))
    tally.otherKey++
  } else {
    wrapped = { wrappedCek: randomBelow(modulus), wrappedIv: randomBelow(modulus) }
    tally.random++
  }
  const { wrappedCek, wrappedIv } = wrapped
  try {
    await provider.unwrap({
      version: 2,
      wrappedCek,
      wrappedIv,
      wrapAlgorithm: provider.wrapAlgorithm,
      cekAlgorithm: 'AES/CTR/NoPadding',
      materialDescription: {},
    })
    tally.accepted++
  } catch (error) {
    if (error.code !== 'ERR_CSE_UNWRAP_FAILED') tally.otherErrors++
  }
  if (i % 10 < 2) {
    tally.control++
    const length = controlLength(key, wrappedCek)
    if (length !== undefined) tally.controlAny++
    if (length === 32) tally.controlCek++
  }
}

console.log(`Node.js ${process.version}, OpenSSL ${process.versions.openssl}, ${POOL} keys of 2048 bits`)
console.log(`objects: ${count} (${tally.otherKey} wrapped with another key, ${tally.random} random)`)
console.log(`accepted: ${tally.accepted}; errors of another code: ${tally.otherErrors}`)
console.log(
  `control, node:crypto with PKCS#1 padding: of ${tally.control} CEKs, ${tally.controlAny} "decrypted", ${tally.controlCek} of them to 32 bytes`,
)
if (tally.accepted + tally.otherErrors > 0) process.exitCode = 1
