import { Keyring } from '@oss-cse/crypto-core'
import { createKeyServer } from '@oss-cse/provider-remote/server'
import { RsaProvider } from '@oss-cse/provider-rsa'
import { FetchTransport } from '@oss-cse/transport-fetch'
import { signRequest } from '@oss-cse/transport-fetch/server'
import { contextOf, MATERIAL_DESCRIPTION, ownerOf, prefixOf } from '../page/agreement.js'
import { contentSecurityPolicy } from './content-security-policy.js'
import { Sessions } from './sessions.js'

/** The accounts of this demo. They have no passwords. */
const USERS = new Set(['alice', 'bob'])

/**
 * The server of the app: sessions, lists, credentials or signatures, and the keys of objects. It never sees content.
 *
 * @param page - the files of the page, by path
 * @param bucket - where the objects are: `{ bucket, region, endpoint }`
 * @param keyPair - the master key. The page gets the public half
 * @param credentials - what this server reads the bucket with
 * @param issueCredentials - makes temporary credentials for the objects of a user
 * @returns a function from a `Request` to a `Promise<Response>`
 */
export function createApp({ page, bucket, keyPair, credentials, issueCredentials }) {
  const sessions = new Sessions()
  const transport = new FetchTransport({ ...bucket, credentials: { getCredential: async () => credentials } })
  const provider = new RsaProvider({ ...keyPair, materialDescription: MATERIAL_DESCRIPTION })
  const keyServer = createKeyServer({
    keyring: new Keyring({ encrypting: provider }),
    transport,
    accept: 'sealed',
    context: contextOf,
    authorize: (request, { key }) => {
      const user = sessions.userOf(request)
      return user !== undefined && ownerOf(key) === user ? user : undefined
    },
  })

  const routes = {
    'GET /session': async (request) =>
      json({ user: sessions.userOf(request) ?? null, bucket, publicKey: keyPair.publicKey }),
    'POST /session': async (request) => {
      const { user } = await body(request)
      return USERS.has(user) ? json({}, 200, { 'set-cookie': sessions.open(user) }) : json({}, 403)
    },
    'DELETE /session': async (request) => json({}, 200, { 'set-cookie': sessions.close(request) }),
    'GET /files': forUser(async (user, request) => {
      const ofAll = new URL(request.url).searchParams.get('of') === 'all'
      return json({ files: await listFiles(ofAll ? undefined : prefixOf(user)) })
    }),
    'POST /sts': forUser(async (user) => json(await issueCredentials(user))),
    'POST /sign': forUser(async (user, request) => {
      const operations = ['read', 'put', 'multipart', 'delete']
      const policy = { ...bucket, operations, keyPrefix: prefixOf(user) }
      try {
        return json(await signRequest(await body(request), credentials, policy))
      } catch {
        return json({}, 403)
      }
    }),
    'POST /keys': forUser((_user, request) => keyServer(request)),
  }

  function forUser(respond) {
    return async (request) => {
      const user = sessions.userOf(request)
      return user === undefined ? json({}, 401) : respond(user, request)
    }
  }

  async function listFiles(prefix) {
    const files = []
    let continuationToken
    do {
      const found = await transport.list({ prefix, continuationToken })
      files.push(
        ...found.objects.map(({ key, sizeBytes, lastModified }) => ({ key, sizeBytes, lastModified })),
      )
      continuationToken = found.nextContinuationToken
    } while (continuationToken !== undefined)
    return files
  }

  const pageHeaders = {
    'content-security-policy': contentSecurityPolicy(bucket),
    'x-content-type-options': 'nosniff',
  }
  return async (request) => {
    const { pathname } = new URL(request.url)
    const route =
      Object.hasOwn(routes, `${request.method} ${pathname}`) && routes[`${request.method} ${pathname}`]
    if (route) return route(request)
    const file = request.method === 'GET' ? page.get(pathname) : undefined
    if (file === undefined) return new Response('Not found', { status: 404 })
    return new Response(file.bytes, { headers: { ...pageHeaders, 'content-type': file.type } })
  }
}

function json(value, status = 200, headers = {}) {
  return Response.json(value, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

/** The JSON of a request. Other sites can send no JSON without asking first. */
async function body(request) {
  if (request.headers.get('content-type') !== 'application/json') return {}
  return (await request.json().catch(() => undefined)) ?? {}
}
