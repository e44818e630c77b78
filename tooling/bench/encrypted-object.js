import { encodeEnvelope, Keyring } from '@oss-cse/crypto-core'
import { RsaProvider } from '@oss-cse/provider-rsa'

/**
 * Makes an object that oss-cse reads as its own: a real envelope, over bytes of the server's that decrypt to
 * nothing in particular, which CTR does not mind.
 *
 * @param {{ sink: import('./sink.js').Sink, privateKey: string, key: string, sizeBytes: number }} object
 */
export async function registerEncryptedObject({ sink, privateKey, key, sizeBytes }) {
  const keyring = new Keyring({ encrypting: new RsaProvider({ privateKey }) })
  const { envelope } = await keyring.generate({ unencryptedContentLength: sizeBytes })
  await sink.register({ key, sizeBytes, headers: encodeEnvelope(envelope) })
}
