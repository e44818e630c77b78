import { transportContract } from '@oss-cse/crypto-core/testing'
import { FetchTransport } from '@oss-cse/transport-fetch'
import { describe, test } from 'vitest'
import { commands } from 'vitest/browser'

describe('in a page, fetch keeps the transport contract', () => {
  let endpoint: string
  const rules = transportContract({
    async create() {
      const { accessKeyId, accessKeySecret, ...address } = await commands.startEmulator({})
      endpoint = address.endpoint
      const credentials = { getCredential: async () => ({ accessKeyId, accessKeySecret }) }
      return new FetchTransport({ ...address, credentials })
    },
    failNext: ({ status, serviceCode: code }) =>
      commands.injectFault(endpoint, {
        kind: 'status',
        status,
        ...(code !== undefined && { code }),
        // Not the preflight. More than once, because Chromium itself sends a request again after a 408.
        method: 'GET',
        count: 2,
      }),
    link: (key, targetKey) => commands.putSymlink(endpoint, key, targetKey),
    signUrl: async (key) => new URL(await commands.signUrl(endpoint, key)),
  })
  for (const rule of rules) test(rule.name, rule.run)
})
