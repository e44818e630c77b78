import { CryptoBucket } from '@oss-cse/bucket'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import OSS from 'ali-oss'
import type { BrowserCommand } from 'vitest/node'
import { transportOf } from './emulated-bucket.ts'

/** Which headers a page may read: what encrypted objects need, or nothing of the service's. */
type Exposed = 'envelope' | 'nothing'

const services = new Map<Exposed, Promise<OssEmulator>>()

/** The service that the pages of one run share, by what its CORS rule exposes. */
function service(exposed: Exposed): Promise<OssEmulator> {
  const rule = { allowedOrigins: ['*'], ...(exposed === 'nothing' && { exposeHeaders: ['ETag'] }) }
  const running = services.get(exposed) ?? startOssEmulator({ cors: [rule] })
  services.set(exposed, running)
  return running
}

/**
 * Stores an encrypted object, as somebody else than the page does, and signs a URL for the page to read it.
 *
 * @returns the URL
 */
const putObject: BrowserCommand<[key: string, text: string, contentType: string, exposed: Exposed]> = async (
  _context,
  key,
  text,
  contentType,
  exposed,
) => {
  const emulator = await service(exposed)
  const bucket = new CryptoBucket({ transport: transportOf(emulator), provider: createTestProvider() })
  await bucket.put(key, text, { contentType })
  const { endpoint, region, accessKeyId, accessKeySecret, buckets } = emulator
  const client = new OSS({
    endpoint,
    region: `oss-${region}`,
    accessKeyId,
    accessKeySecret,
    bucket: buckets[0],
    sldEnable: true,
  } as OSS.Options)
  // One URL as long as the object is the same or another: what is asked for twice is asked for by the same name.
  return client.signatureUrlV4('GET', 3600, {}, key)
}

/** What a page can have done in Node.js. */
export const commands = { putObject }

/** Ends what the pages used. */
export async function endServices(): Promise<void> {
  for (const running of services.values()) await (await running).close()
  services.clear()
}

declare module 'vitest/browser' {
  interface BrowserCommands {
    putObject(key: string, text: string, contentType: string, exposed: Exposed): Promise<string>
  }
}
