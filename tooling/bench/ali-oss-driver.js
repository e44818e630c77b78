import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { repeated } from '@oss-cse/interop/repeated.js'

/** ali-oss has one deadline for a whole transfer: out of the way. */
const timeout = 3_600_000

/**
 * @typedef {object} AliOss - ali-oss, or what has its calls
 * @property {string} title
 * @property {Record<string, string>} versions
 * @property {(options: object, masterKeys: readonly object[]) => import('ali-oss')} client - made once for all requests
 *   of the same master keys. The options are those of ali-oss
 */

/**
 * Drives the calls of ali-oss by the protocol of the interoperability lab, until standard input ends.
 *
 * @param {AliOss} aliOss
 */
export async function driveAliOss(aliOss) {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(aliOss, JSON.parse(line)))}\n`)
  }
}

/** What `open` said. */
let service
const clients = new Map()

const operations = {
  async put(client, { object, file }) {
    await client.put(object, file, { timeout })
  },

  async upload(client, { object, file, partSize, parallel }) {
    // Without this function it keeps no checkpoint.
    await client.multipartUpload(object, file, { partSize, parallel, timeout, progress: () => {} })
  },

  async get(client, { object, file }) {
    await client.get(object, file, { timeout })
  },

  async loop(client, { call, object, file, count, parallel }) {
    const content = call === 'put' ? readFileSync(file) : undefined
    const once = {
      put: () => client.put(object, content),
      get: async () => (await client.get(object)).content,
    }[call]
    const last = await repeated({ count, parallel }, once)
    if (call === 'get') writeFileSync(file, last)
  },
}

async function answer({ title, versions, client }, { id, op, ...request }) {
  if (op === 'open') {
    service = request.service
    return { id, ok: { versions } }
  }
  if (!(op in operations)) return { id, absent: `${title} has no ${op}.` }
  try {
    return { id, ok: (await operations[op](clientFor(client, request.masterKeys), request)) ?? {} }
  } catch (error) {
    return { id, error: { type: error.code ?? error.name, message: error.message } }
  }
}

function clientFor(make, masterKeys) {
  const name = JSON.stringify(masterKeys)
  if (!clients.has(name)) {
    const options = { ...service, region: `oss-${service.region}`, sldEnable: true, authorizationV4: true }
    clients.set(name, make(options, masterKeys))
  }
  return clients.get(name)
}
