import { type IncomingMessage, request } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { readAll, rejection } from '../../../test/fake-server.ts'
import { HandedConnection } from './handed-connection.ts'

const HEAD = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n')

/** Lets node:http read a response. */
function readFrom(connection: HandedConnection): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ createConnection: () => connection }, resolve)
      .on('error', reject)
      .end()
  })
}

const bodyOf = async (message: IncomingMessage): Promise<string> => String(await readAll(message))

it('node:http reads what arrived before and after the handover, in one response', async () => {
  const connection = new HandedConnection(new Socket())
  connection.arrived(HEAD.subarray(0, 9))
  connection.arrived(HEAD.subarray(9))
  const message = await readFrom(connection)
  connection.arrived(Buffer.from('body'))
  expect(await bodyOf(message)).toBe('body')
})

it('bytes that arrived stay as they are when their buffer is read into again', async () => {
  const connection = new HandedConnection(new Socket())
  const buffer = Buffer.concat([HEAD, Buffer.from('body')])
  connection.arrived(buffer)
  buffer.fill(0)
  expect(await bodyOf(await readFrom(connection))).toBe('body')
})

it('an error that comes before node:http reads is one of its request, after what had arrived', async () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  const empty = new HandedConnection(new Socket())
  empty.lost(reset)
  await new Promise(setImmediate)
  expect(await rejection(readFrom(empty))).toMatchObject({ code: 'ECONNRESET' })
  const started = new HandedConnection(new Socket())
  started.arrived(HEAD)
  started.lost(reset)
  await new Promise(setImmediate)
  expect(await rejection(readFrom(started).then(bodyOf))).toMatchObject({
    code: 'ECONNRESET',
    message: 'aborted',
  })
})

it('the end of the connection is its end, and to destroy it closes the connection', async () => {
  const ended = new HandedConnection(new Socket())
  ended.lost(undefined)
  expect(await rejection(readFrom(ended))).toMatchObject({ code: 'ECONNRESET', message: 'socket hang up' })
  const socket = new Socket()
  new HandedConnection(socket).destroy()
  expect(socket.destroyed).toBe(true)
})
