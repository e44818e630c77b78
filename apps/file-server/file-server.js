import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { page } from './page.js'

/** The headers of the object that a download forwards. */
const HEADERS = ['accept-ranges', 'content-length', 'content-range', 'content-type', 'etag', 'last-modified']

/**
 * A web server over a bucket: a page at `/`, and each object at `/files/<name>`, by GET, HEAD, PUT and DELETE.
 *
 * @param client an `OSS` of ali-oss
 */
export function fileServer(client) {
  return createServer((request, response) => {
    answer(client, request, response).catch((error) => {
      // An incomplete download must not look complete.
      if (response.headersSent) response.destroy()
      else fail(response, error.status >= 400 ? error.status : 500, error.code ?? error.name)
    })
  })
}

async function answer(client, request, response) {
  const { pathname } = new URL(request.url, 'http://localhost')
  if (pathname === '/') return showPage(client, response)
  const name = objectName(pathname)
  if (name === undefined) return fail(response, 404, 'this page does not exist')
  const method = METHODS.get(request.method)
  if (method === undefined) return fail(response, 405, 'this method is not allowed')
  return method(client, name, request, response)
}

function objectName(pathname) {
  try {
    return decodeURIComponent(/^\/files\/(.+)$/.exec(pathname)[1])
  } catch {
    return undefined
  }
}

const METHODS = new Map(
  Object.entries({
    async PUT(client, name, request, response) {
      const { 'content-length': length, 'content-type': mime } = request.headers
      const contentLength = length === undefined ? undefined : Number(length)
      await client.putStream(name, request, { contentLength, mime })
      response.writeHead(204).end()
    },

    async GET(client, name, request, response) {
      const { stream, res } = await open(client, name, request.headers)
      response.writeHead(res.status, downloadHeaders(res.headers))
      await pipeline(stream, response)
    },

    async HEAD(client, name, request, response) {
      const { res } = await client.head(name, { headers: conditions(request.headers) })
      response.writeHead(res.status, downloadHeaders(res.headers)).end()
    },

    async DELETE(client, name, _request, response) {
      await client.delete(name)
      response.writeHead(204).end()
    },
  }),
)

/** Opens an object, or the range that a player requests when the user seeks. */
async function open(client, name, { range, 'if-range': ifRange, ...headers }) {
  const options = conditions(headers)
  if (range === undefined) return client.getStream(name, { headers: options })
  try {
    return await client.getStream(name, {
      headers: {
        ...options,
        range,
        'x-oss-range-behavior': 'standard',
        ...(ifRange?.startsWith('"') && { 'if-match': ifRange }),
      },
    })
  } catch (error) {
    // The object has changed since the range was computed: return the whole new object.
    if (error.status === 412 && ifRange !== undefined) return client.getStream(name, { headers: options })
    throw error
  }
}

function conditions(headers) {
  const names = ['if-none-match', 'if-modified-since'].filter((field) => headers[field] !== undefined)
  return Object.fromEntries(names.map((field) => [field, headers[field]]))
}

function downloadHeaders(headers) {
  const names = HEADERS.filter((field) => headers[field] !== undefined)
  return {
    ...Object.fromEntries(names.map((field) => [field, headers[field]])),
    // An uploaded file must not run as a page of this server.
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
  }
}

async function showPage(client, response) {
  const { objects } = await client.listV2({ 'max-keys': 1000 })
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page(objects ?? []))
}

function fail(response, status, why) {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${status}: ${why}\n`)
}
