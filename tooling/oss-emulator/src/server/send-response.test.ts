import { createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { emptyResponse } from '../protocol/oss-response.ts'
import { sendResponse } from './send-response.ts'

it('a response without a body to a client that has left ends at once', async () => {
  const responses: ServerResponse[] = []
  const server = createServer((_, response) => {
    responses.push(response)
    response.once('close', () => server.emit('left'))
    client.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const left = new Promise<void>((resolve) => server.once('left', resolve))
  const client = request({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  client.on('error', () => {})
  client.end()
  await left
  const [response] = responses
  if (response === undefined) throw new Error('no request came')
  const options = { isHead: false, fault: undefined, onBytes: () => {} }
  await expect(sendResponse(response, emptyResponse(204), options)).rejects.toThrow('client gone')
})
