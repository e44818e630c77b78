import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { OssRequest } from '../../protocol/oss-request.ts'
import type { OssResponse } from '../../protocol/oss-response.ts'
import type { OpenContent } from '../../storage/object-store.ts'
import type { GzipMode } from '../operation-context.ts'

const MIN_BYTES = 1024
/** The media types that the documentation of GetObject lists. */
const COMPRESSED_TYPES: ReadonlySet<string> = new Set([
  'application/javascript',
  'application/json',
  'application/rss+xml',
  'application/x-javascript',
  'text/cache-manifest',
  'text/css',
  'text/html',
  'text/json',
  'text/plain',
  'text/xml',
])

/**
 * Compresses a whole object if its client accepts gzip. The response then has no length, ETag or Accept-Ranges.
 * Content-MD5 and CRC-64 stay and are those of the stored bytes: the example in the documentation shows both.
 * The documentation does not say whether a range is compressed. Browsers do not accept that, so no range is.
 */
export function gzipResponse(
  response: OssResponse,
  content: OpenContent,
  request: OssRequest,
  mode: GzipMode,
): OssResponse {
  if (!isCompressed(response, content, request, mode)) return { ...response, body: content }
  const { ETag: _etag, 'Accept-Ranges': _ranges, ...headers } = response.headers
  return {
    status: response.status,
    headers: { ...headers, 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' },
    body: {
      sizeBytes: undefined,
      chunks: () => compressed(content),
      release: () => content.release(),
    },
  }
}

function isCompressed(
  { headers }: OssResponse,
  { sizeBytes }: OpenContent,
  request: OssRequest,
  mode: GzipMode,
): boolean {
  const mediaType = headers['Content-Type']?.split(';')[0]?.trim().toLowerCase() ?? ''
  return (
    (mode === 'get-and-head' || (mode === 'get' && request.method === 'GET')) &&
    sizeBytes >= MIN_BYTES &&
    COMPRESSED_TYPES.has(mediaType) &&
    headers['Content-Encoding'] === undefined &&
    request.header('range') === undefined &&
    acceptsGzip(request.header('accept-encoding') ?? '')
  )
}

/** Only `gzip` itself counts: the documentation names no other value. */
function acceptsGzip(header: string): boolean {
  return header.split(',').some((item) => {
    const [coding = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase())
    return coding === 'gzip' && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}

async function* compressed(content: OpenContent): AsyncGenerator<Uint8Array> {
  const gzip = createGzip()
  // An error of the pipeline also fails the iteration below.
  pipeline(Readable.from(copies(content)), gzip, () => undefined)
  yield* gzip
}

/** Copies each chunk: the stream requests the next chunk, which invalidates this one, while it still uses this one. */
async function* copies(content: OpenContent): AsyncGenerator<Uint8Array> {
  for await (const chunk of content.chunks()) yield Uint8Array.from(chunk)
}
