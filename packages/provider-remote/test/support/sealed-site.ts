import { type ContentKey, Keyring } from '@oss-cse/crypto-core'
import { DerivedKey, encodeContext } from '@oss-cse/crypto-core/internal'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import type { KeyServerFailure } from '../../src/server.ts'
import { headersOf, KeySite } from './key-site.ts'

/** The first bytes of a sealed object: all that the key server looks at. */
export async function sealedHeader(contentKey: ContentKey, context: string): Promise<Uint8Array> {
  const derived = await DerivedKey.derive(contentKey, encodeContext(context))
  const cipher = derived.use()
  const header = Uint8Array.from(cipher.header)
  cipher.dispose()
  derived.close()
  return header
}

/** A site whose key server compares contexts, with one sealed object, `a`, under a key that is called RSA. */
export async function sealedSite(context: (key: string) => string) {
  const failures: KeyServerFailure[] = []
  const encrypting = createTestProvider({ wrapAlgorithm: 'RSA/NONE/PKCS1Padding' })
  const site = new KeySite(encrypting, {
    accept: 'sealed',
    context,
    onFailure: (failure) => failures.push(failure),
  })
  const { envelope, contentKey } = await new Keyring({ encrypting }).generate({}, {}, 'sealed')
  const header = await sealedHeader(contentKey, context('a'))
  await site.transport.plant('a', Uint8Array.of(...header, ...new Uint8Array(100)), headersOf(envelope))
  const provider = site.provider()
  const unwrap = (key: string) =>
    provider.unwrap(envelope, { object: { key } }).then(
      (unwrapped) => unwrapped,
      (error: unknown) => error,
    )
  return { site, failures, envelope, contentKey, unwrap }
}
