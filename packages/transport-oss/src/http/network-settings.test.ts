import dns from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { expect, it, onTestFinished } from 'vitest'
import { networkSettings } from './network-settings.ts'

it('settings that nobody changed are the same at each call', () => {
  expect(networkSettings(false)).toBe(networkSettings(false))
  expect(networkSettings(true)).toBe(networkSettings(true))
})

/** Modules as an app sees them that replaces a function. */
const replaceable: [name: string, secure: boolean, owner: object][] = [
  ['lookup', false, dns],
  ['connect', false, net],
  ['createConnection', false, net],
  ['connect', false, net.Socket.prototype],
  ['createConnection', false, http.Agent.prototype],
  ['connect', true, tls],
  ['checkServerIdentity', true, tls],
  ['createSecureContext', true, tls],
  ['createConnection', true, https.Agent.prototype],
]

it.each(replaceable)('a replaced %s changes them (secure: %s)', (name, secure, owner) => {
  const before = networkSettings(secure)
  const original: unknown = Reflect.get(owner, name)
  onTestFinished(() => void Reflect.set(owner, name, original))
  Reflect.set(owner, name, () => {})
  expect(networkSettings(secure)).not.toBe(before)
})
