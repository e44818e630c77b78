import { ReadingBucket } from '@oss-cse/bucket/read'
import { serveDecrypted } from '@oss-cse/service-worker'
import { currentSession } from './app-server.js'
import { bucketOptions } from './drive.js'
import { signing } from './settings.js'

const objects = serveDecrypted({
  async openBucket() {
    const found = await currentSession()
    if (found === undefined) throw new Error('Nobody is signed in.')
    return new ReadingBucket(bucketOptions(found, await signing()))
  },
})

// The page says so when another user signs in, or requests are signed in another way.
addEventListener('message', ({ data }) => {
  if (data === 'forget') void objects.forget()
})
