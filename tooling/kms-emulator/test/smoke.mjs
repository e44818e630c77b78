import assert from 'node:assert/strict'
import { createHash, createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { startKmsEmulator } from '@oss-cse/kms-emulator'

const emulator = await startKmsEmulator({ tls: true })

/** Sends one request of the ACS3 generation over TLS. It trusts only the emulator's CA. */
async function call(action, parameters) {
  const query = Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .sort()
    .join('&')
  const payload = createHash('sha256').update('').digest('hex')
  const headers = {
    host: `127.0.0.1:${emulator.port}`,
    'x-acs-action': action,
    'x-acs-content-sha256': payload,
    'x-acs-date': new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    'x-acs-signature-nonce': randomUUID(),
    'x-acs-version': '2016-01-20',
  }
  const names = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const canonical = ['POST', '/', query, lines.join(''), names, payload].join('\n')
  const toSign = `ACS3-HMAC-SHA256\n${createHash('sha256').update(canonical).digest('hex')}`
  const signature = createHmac('sha256', emulator.accessKeySecret).update(toSign).digest('hex')
  const authorization = `ACS3-HMAC-SHA256 Credential=${emulator.accessKeyId},SignedHeaders=${names},Signature=${signature}`
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${emulator.endpoint}/?${query}`,
      {
        method: 'POST',
        headers: { ...headers, authorization },
        ca: readFileSync(emulator.caFile),
        agent: false,
      },
      async (incoming) => {
        const chunks = []
        for await (const chunk of incoming) chunks.push(chunk)
        resolve(JSON.parse(Buffer.concat(chunks).toString()))
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}

const EncryptionContext = '{"bucket":"b"}'
const made = await call('GenerateDataKey', { KeyId: emulator.keyId, EncryptionContext })
const { CiphertextBlob } = made
assert.equal((await call('Decrypt', { CiphertextBlob, EncryptionContext })).Plaintext, made.Plaintext)
assert.equal((await call('Decrypt', { CiphertextBlob })).Code, 'InvalidParameter')
await emulator.close()
console.log(`smoke ok on ${process.version}`)
