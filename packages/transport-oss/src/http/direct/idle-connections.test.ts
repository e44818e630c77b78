import { type AddressInfo, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { DirectConnection, keyOf } from './direct-connection.ts'
import { IdleConnections } from './idle-connections.ts'

/** Makes connections to a server that sends nothing. */
async function connections(count: number): Promise<DirectConnection[]> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const target = { secure: false, host: '127.0.0.1', port, servername: '' }
  const made = Array.from({ length: count }, () => new DirectConnection(target))
  await Promise.all(made.map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))))
  onTestFinished(() => {
    for (const { socket } of made) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return made
}

it('the connection that was added last is taken first, and only by requests to the same server', async () => {
  const [first, second] = (await connections(2)) as [DirectConnection, DirectConnection]
  const idle = new IdleConnections()
  idle.add(first, 60_000)
  idle.add(second, 60_000)
  const other = { secure: false, host: 'other', port: 1, servername: '' }
  expect(await idle.take(keyOf(other))).toBeUndefined()
  expect(await idle.take(first.key)).toBe(second)
  expect(await idle.take(first.key)).toBe(first)
  expect(await idle.take(first.key)).toBeUndefined()
})

it.each([
  [15_000, Number.POSITIVE_INFINITY],
  [15_000, 29_000],
  [4000, 4000],
])('a connection waits for %s ms if the server allows %s', async (timeoutMs, allowedMs) => {
  const [connection] = (await connections(1)) as [DirectConnection]
  const idle = new IdleConnections()
  idle.add(connection, allowedMs)
  expect(connection.socket.timeout).toBe(timeoutMs)
  connection.socket.emit('timeout')
  expect(connection.socket.destroyed).toBe(true)
  expect(await idle.take(connection.key)).toBeUndefined()
})

it('a connection that may not wait is closed', async () => {
  const [connection] = (await connections(1)) as [DirectConnection]
  const idle = new IdleConnections()
  idle.add(connection, 0)
  expect(connection.socket.destroyed).toBe(true)
  expect(await idle.take(connection.key)).toBeUndefined()
})

it('at most 100 connections wait', async () => {
  const made = await connections(101)
  const idle = new IdleConnections()
  for (const connection of made) idle.add(connection, 60_000)
  expect(made.filter(({ socket }) => socket.destroyed)).toEqual([made[100]])
})
