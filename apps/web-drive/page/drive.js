import { RemoteProvider } from '@oss-cse/provider-remote'
import { FetchTransport } from '@oss-cse/transport-fetch'
import { contextOf, MATERIAL_DESCRIPTION } from './agreement.js'
import { signRequest, temporaryCredentials } from './app-server.js'

/**
 * The options of the bucket, as the page and the service worker open it.
 *
 * @param session - what the server says: where the bucket is, and the public key
 * @param signing - who signs the requests: the page (`sts`) or the server (`sign`)
 */
export function bucketOptions({ bucket, publicKey }, signing) {
  const transport = new FetchTransport({
    ...bucket,
    ...(signing === 'sign'
      ? { authorize: signRequest }
      : { credentials: { getCredential: temporaryCredentials } }),
  })
  const provider = new RemoteProvider({ url: '/keys', publicKey, materialDescription: MATERIAL_DESCRIPTION })
  return { transport, provider, accept: 'sealed', context: contextOf }
}
