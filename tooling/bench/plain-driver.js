// Drives ali-oss as it comes, which encrypts nothing, by the protocol of the interoperability lab.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { repeated } from '@oss-cse/interop/repeated.js'
import OSS from 'ali-oss'

/** ali-oss has one deadline for a whole transfer: out of the way. */
const timeout = 3_600_000

let client

const operations = {
  async open({ service }) {
    client = new OSS({ ...service, region: `oss-${service.region}`, sldEnable: true, authorizationV4: true })
    const { version } = createRequire(import.meta.url)('ali-oss/package.json')
    return { versions: { 'ali-oss': version } }
  },

  async put({ object, file }) {
    await client.put(object, file, { timeout })
  },

  async upload({ object, file, partSize, parallel }) {
    // Without this function it keeps no checkpoint.
    await client.multipartUpload(object, file, { partSize, parallel, timeout, progress: () => {} })
  },

  async get({ object, file }) {
    await client.get(object, file, { timeout })
  },

  async loop({ call, object, file, count, parallel }) {
    const content = call === 'put' ? readFileSync(file) : undefined
    const once = {
      put: () => client.put(object, content),
      get: async () => (await client.get(object)).content,
    }[call]
    const last = await repeated({ count, parallel }, once)
    if (call === 'get') writeFileSync(file, last)
  },
}

async function answer({ id, op, ...request }) {
  if (!(op in operations)) return { id, absent: `ali-oss has no ${op}.` }
  try {
    return { id, ok: (await operations[op](request)) ?? {} }
  } catch (error) {
    return { id, error: { type: error.code ?? error.name, message: error.message } }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`)
}
