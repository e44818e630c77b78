import { ReadingBucket } from '@oss-cse/bucket/read'
import { serveDecrypted } from '@oss-cse/service-worker'
import { FetchTransport } from '@oss-cse/transport-fetch'
import { loadProvider } from './master-key.ts'

const json = async (path: string) => (await fetch(path)).json()

serveDecrypted({
  async openBucket() {
    const address = await json('/settings.json')
    const credentials = { getCredential: () => json('/sts.json') }
    const transport = new FetchTransport({ ...address, credentials })
    return new ReadingBucket({ transport, provider: await loadProvider() })
  },
})
