import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { OssRequest } from '../../protocol/oss-request.ts'
import type { OssResponse } from '../../protocol/oss-response.ts'
import type { OpenContent } from '../../storage/object-store.ts'

/** What the server compresses where a client accepts gzip. */
export type GzipMode = 'off' | 'get' | 'get-and-head'

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
 * Compresses a whole object where its client accepts that. Gone are then the length, the ETag and the ranges.
 * Content-MD5 and the CRC-64 stay, of the bytes as they are stored: the example of the documentation shows both.
 * What the service does with a range is not documented; browsers accept no gzip of one, and here there is none.
 */
export function gzipResponse(
  answer: OssResponse,
  content: OpenContent,
  request: OssRequest,
  mode: GzipMode,
): OssResponse {
  if (!isCompressed(answer, content, request, mode)) return { ...answer, body: content }
  const { ETag: _etag, 'Accept-Ranges': _ranges, ...headers } = answer.headers
  return {
    status: answer.status,
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

/** Only `gzip` itself counts, which is what the documentation names. */
function acceptsGzip(header: string): boolean {
  return header.split(',').some((item) => {
    const [coding = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase())
    return coding === 'gzip' && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}

async function* compressed(content: OpenContent): AsyncGenerator<Uint8Array> {
  const gzip = createGzip()
  // What fails, fails the iteration below.
  pipeline(Readable.from(copies(content)), gzip, () => undefined)
  yield* gzip
}

/** A chunk is valid only until the next one is asked for, which the stream does before it is done with it. */
async function* copies(content: OpenContent): AsyncGenerator<Uint8Array> {
  for await (const chunk of content.chunks()) yield Uint8Array.from(chunk)
}
