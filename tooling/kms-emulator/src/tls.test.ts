import { X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type KmsEmulator, startKmsEmulator } from './kms-emulator.ts'
import { acs3Call, rpcCall } from './testing/signed-call.ts'

let dataDirectory: string
let running: KmsEmulator[]

beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'kms-emulator-'))
  running = []
})
afterEach(async () => {
  for (const emulator of running) await emulator.close()
  rmSync(dataDirectory, { recursive: true })
})

const start = async (dataDirectory?: string): Promise<KmsEmulator> => {
  const emulator = await startKmsEmulator({
    tls: true,
    ...(dataDirectory === undefined ? {} : { dataDirectory }),
  })
  running.push(emulator)
  return emulator
}
const caOf = ({ caFile = '' }: KmsEmulator): string => readFileSync(caFile, 'utf8')
/** Returns the status of an unsigned request. Rejects if the certificate is not trusted. */
const ask = (host: string, port: number, ca: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ host, port, ca, path: '/?Format=json', agent: false }, (incoming) => {
      incoming.resume()
      incoming.on('end', () => resolve(incoming.statusCode))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })

describe('with tls', () => {
  it('the certificate is for localhost and 127.0.0.1, and its CA can be trusted', async () => {
    const emulator = await start()
    expect(emulator.endpoint).toBe(`https://127.0.0.1:${emulator.port}`)
    expect(await ask('127.0.0.1', emulator.port, caOf(emulator))).toBe(400)
    expect(await ask('localhost', emulator.port, caOf(emulator))).toBe(400)
    const ca = new X509Certificate(caOf(emulator))
    expect([ca.ca, ca.verify(ca.publicKey)]).toEqual([true, true])
    const other = await start()
    await expect(ask('127.0.0.1', emulator.port, caOf(other))).rejects.toThrow(/certificate|signature/)
  })

  it('signed requests succeed, and are cut on request', async () => {
    const emulator = await start()
    for (const call of [rpcCall, acs3Call]) expect((await call(emulator, 'ListKeys')).status).toBe(200)
    emulator.injectFault({ kind: 'reset' })
    await expect(rpcCall(emulator, 'ListKeys')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect((await rpcCall(emulator, 'ListKeys')).status).toBe(200)
  })

  it('the CA of one run is removed after it', async () => {
    const emulator = await start()
    const { caFile = '' } = emulator
    await emulator.close()
    expect(existsSync(caFile)).toBe(false)
  })

  it('a data directory keeps the CA, and only its owner can read the key', async () => {
    const first = await start(dataDirectory)
    const ca = caOf(first)
    await first.close()
    const second = await start(dataDirectory)
    expect(caOf(second)).toBe(ca)
    expect(await ask('127.0.0.1', second.port, ca)).toBe(400)
    expect(statSync(join(dataDirectory, 'tls', 'identity.json')).mode & 0o777).toBe(0o600)
  })

  it('emulators that start at the same time in a new directory share one CA', async () => {
    const emulators = await Promise.all([start(dataDirectory), start(dataDirectory), start(dataDirectory)])
    for (const { port } of emulators) {
      expect(await ask('127.0.0.1', port, readFileSync(join(dataDirectory, 'tls', 'ca.pem'), 'utf8'))).toBe(
        400,
      )
    }
  })

  it('a broken identity is refused, and the error reveals nothing of it', async () => {
    await (await start(dataDirectory)).close()
    const path = join(dataDirectory, 'tls', 'identity.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"ca"', '"cb"'))
    const error: unknown = await startKmsEmulator({ tls: true, dataDirectory }).catch(
      (reason: unknown) => reason,
    )
    expect(String(error)).toContain(path)
    expect(String(error)).not.toContain('PRIVATE')
  })

  it('closing ends connections that never completed a handshake', async () => {
    const emulator = await start()
    const silent = connect(emulator.port, '127.0.0.1')
    await new Promise((resolve) => silent.once('connect', resolve))
    const ended = new Promise((resolve) => silent.once('close', resolve))
    silent.on('error', () => undefined)
    await emulator.close()
    await ended
  })
})

describe('closing', () => {
  it('can be repeated, and leaves no listening socket', async () => {
    const emulator = await startKmsEmulator()
    await Promise.all([emulator.close(), emulator.close()])
    const again = await startKmsEmulator({ port: emulator.port })
    await expect(startKmsEmulator({ port: again.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await again.close()
  })
})
