import { ReadingBucket } from '@oss-cse/bucket/read'
import { serveDecrypted } from '@oss-cse/service-worker'
import { loadProvider } from './master-key.ts'
import { storeTransport } from './store-transport.ts'

const transport = storeTransport('/store/')

const objects = serveDecrypted({
  openBucket: async () => new ReadingBucket({ transport, provider: await loadProvider() }),
})

addEventListener('message', ({ data, ports }: MessageEvent) => {
  if (data === 'forget') void objects.forget().then(() => ports[0]?.postMessage('forgotten'))
})
// What a later listener says about these URLs has no effect.
addEventListener('fetch', (event: Event) => {
  const { request, respondWith } = event as Event & {
    request: Request
    respondWith(response: Response): void
  }
  if (request.url.includes('/cse/')) respondWith.call(event, new Response('of another listener'))
})
