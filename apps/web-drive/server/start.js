// Starts everything on this machine: an emulator in the place of OSS, and the server of the app.
import { createServer } from 'node:http'
import { startOssEmulator } from '@oss-cse/oss-emulator'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { createApp } from './app.js'
import { nodeListener } from './node-listener.js'
import { storedPage } from './page.js'

/** For how long the credentials of a page are valid. With STS it is at least 15 minutes. */
const CREDENTIALS_MS = 15 * 60_000

/**
 * @param options.port - default 0: a free one
 * @param options.emulatorOptions - for tests: options of the emulator
 * @param options.around - for tests: a function from the app to one that serves more, or something else, in its place
 * @returns where the page is, the emulator, and what ends both
 */
export async function startWebDrive({ port = 0, emulatorOptions, around = (app) => app } = {}) {
  const ownToken = crypto.randomUUID()
  const emulator = await startOssEmulator({
    buckets: ['web-drive'],
    cors: [{ allowedOrigins: ['*'] }],
    securityToken: ownToken,
    ...emulatorOptions,
  })
  const { endpoint, region, accessKeyId, accessKeySecret } = emulator
  const app = createApp({
    page: await storedPage(),
    bucket: { bucket: 'web-drive', region, endpoint },
    keyPair: await generateRsaKeyPair({ bits: 3072 }),
    credentials: { accessKeyId, accessKeySecret, securityToken: ownToken },
    // A real bucket: AssumeRole of STS, with a policy for the prefix of this user. The emulator has no policies.
    issueCredentials: async (_user) => {
      const securityToken = crypto.randomUUID()
      const expiration = new Date(Date.now() + CREDENTIALS_MS)
      emulator.addSecurityToken({ token: securityToken, expiresAt: expiration })
      return { accessKeyId, accessKeySecret, securityToken, expiration }
    },
  })
  const server = createServer(nodeListener(around(app)))
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://localhost:${server.address().port}/`,
    emulator,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await emulator.close()
    },
  }
}

if (process.argv[1] === import.meta.filename) {
  const { url } = await startWebDrive({ port: Number(process.env.PORT ?? 0) })
  console.log(`Web drive: ${url}`)
  console.log('Sign in as alice or bob. Objects are in the memory of this process: Ctrl+C ends both.')
}
