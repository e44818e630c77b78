import { Agent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import OSS from 'ali-oss'
import { expect, it, onTestFinished, vi } from 'vitest'
import { fakeServer, readAll, SECRETS } from '../../test/fake-server.ts'
import { OssTransport } from '../oss-transport.ts'
import type { AliOssClient } from './ali-oss-client.ts'
import { hasDefaultAgents } from './default-agents.ts'

function clientWith(options: object = {}): AliOssClient {
  return new OSS({ bucket: 'my-bucket', ...SECRETS, ...options } as OSS.Options) as unknown as AliOssClient
}

it('a client without agents of its own has the default agents', async () => {
  expect(await hasDefaultAgents(clientWith())).toBe(true)
})

it.each([
  ['agent', { agent: new Agent() }],
  ['httpsAgent', { httpsAgent: new HttpsAgent() }],
  ['urllib', { urllib: {} }],
])('a client with the option %s has not', async (_, options) => {
  expect(await hasDefaultAgents(clientWith(options))).toBe(false)
})

it('a client whose agent the app replaced has not', async () => {
  for (const name of ['agent', 'httpsAgent']) {
    const client = Object.assign(clientWith(), { [name]: new Agent() })
    expect(await hasDefaultAgents(client)).toBe(false)
  }
})

it('no client has, once an app has changed the agents that all share', async () => {
  const { agent, httpsAgent } = clientWith() as unknown as Record<
    string,
    Agent & { options: Record<string, unknown> }
  >
  for (const shared of [agent, httpsAgent]) {
    if (shared === undefined) throw new Error('There is no agent.')
    for (const change of [
      { maxSockets: 5 },
      { createConnection: () => undefined },
      { addRequest: () => undefined },
      { options: { ...shared.options, rejectUnauthorized: false } },
    ]) {
      const descriptors = Object.getOwnPropertyDescriptors(shared)
      Object.assign(shared, change)
      expect(await hasDefaultAgents(clientWith())).toBe(false)
      for (const name of Object.keys(change)) delete (shared as unknown as Record<string, unknown>)[name]
      for (const [name, descriptor] of Object.entries(descriptors))
        if (name in change) Object.defineProperty(shared, name, descriptor)
      expect(await hasDefaultAgents(clientWith())).toBe(true)
    }
  }
})

it('only with the default agents does a get go without node:http', async () => {
  const spy = vi.spyOn(Agent.prototype as unknown as { addRequest(): void }, 'addRequest')
  onTestFinished(() => spy.mockRestore())
  const server = await fakeServer((_, response) =>
    response.writeHead(200, { 'content-length': 4 }).end('body'),
  )
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  for (const [options, requests] of [
    [{}, 0],
    [{ agent }, 1],
  ] as const) {
    const client = clientWith({
      region: 'oss-cn-hangzhou',
      endpoint: server.endpoint,
      sldEnable: true,
      ...options,
    })
    const transport = new OssTransport({ client: client as unknown as OSS })
    expect(String(await readAll((await transport.get({ key: 'a', headers: {} })).body))).toBe('body')
    expect(spy).toHaveBeenCalledTimes(requests)
  }
})
