import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { aliOssClient } from '../testing/ali-oss-client.ts'
import { rawRequest } from '../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

describe('a PUT that expects 100-continue', () => {
  const send = (url: string): Promise<readonly [number | undefined, boolean]> =>
    new Promise((resolve, reject) => {
      let continued = false
      const outgoing = request(url, {
        method: 'PUT',
        headers: { expect: '100-continue', 'content-length': 4 },
      })
      outgoing.on('continue', () => {
        continued = true
        outgoing.end('body')
      })
      outgoing.on('response', (response) => {
        response.resume()
        response.on('end', () => {
          outgoing.destroy()
          resolve([response.statusCode, continued])
        })
      })
      outgoing.on('error', reject)
      outgoing.flushHeaders()
    })

  it('gets 100 Continue only if it is accepted', async () => {
    const url: string = aliOssClient(emulator).signatureUrl('continued', { method: 'PUT' })
    expect(await send(url)).toEqual([200, true])
    expect(await send(url.replace('continued', 'other'))).toEqual([403, false])
  })
})

it('each of several pipelined requests gets a response', async () => {
  const unsigned = 'HEAD /demo/none HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const last = 'GET /demo/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const socket = connect(emulator.port, '127.0.0.1', () => socket.write(unsigned + unsigned + last))
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  expect(
    Buffer.concat(chunks)
      .toString()
      .match(/HTTP\/1\.1 403/g),
  ).toHaveLength(3)
})

it('a path with a malformed escape is refused as a key', async () => {
  const response = await rawRequest(emulator.port, { path: '/demo/%zz' })
  expect([response.status, response.element('Code')]).toEqual([400, 'InvalidObjectName'])
})
