import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { expect, it, onTestFinished, vi } from 'vitest'
import { isIntercepted } from './intercepted.ts'

it('requests of an app without such tools are not intercepted', () => {
  expect([isIntercepted(false), isIntercepted(true)]).toEqual([false, false])
})

const WRAPPERS: readonly (readonly [string, (original: typeof http.request) => typeof http.request])[] = [
  [
    'a function',
    (original) => ((...args: Parameters<typeof original>) => original(...args)) as typeof original,
  ],
  ['a bound function', (original) => original.bind(undefined) as typeof original],
  ['a proxy', (original) => new Proxy(original, {})],
  ['a mock', (original) => vi.fn(original) as unknown as typeof original],
  [
    'a function of the same name',
    () =>
      function request(url: unknown, options: unknown, done: unknown) {
        return [url, options, done]
      } as unknown as typeof http.request,
  ],
]

it.each(WRAPPERS)('a `request` that is replaced by %s is', (_, wrap) => {
  for (const [module, secure] of [
    [http, false],
    [https, true],
  ] as const) {
    const original = module.request
    module.request = wrap(original)
    expect(isIntercepted(secure)).toBe(true)
    module.request = original
    expect(isIntercepted(secure)).toBe(false)
  }
})

it.each([
  'http.client.request.created',
  'http.client.request.start',
  'http.client.request.error',
  'http.client.response.finish',
])('with a subscriber of %s they are', (name) => {
  const listener = (): void => {}
  subscribe(name, listener)
  onTestFinished(() => void unsubscribe(name, listener))
  expect([isIntercepted(false), isIntercepted(true)]).toEqual([true, true])
})

const CONNECTING: readonly (readonly [name: string, secure: boolean, owner: object])[] = [
  ['createConnection', false, http.Agent.prototype],
  ['connect', false, net],
  ['createConnection', false, net],
  ['createConnection', true, https.Agent.prototype],
  ['connect', true, tls],
]

it.each(CONNECTING)('with another `%s` they are (secure: %s)', (name, secure, owner) => {
  const original = Object.getOwnPropertyDescriptor(owner, name)
  const wrapped = Reflect.get(owner, name) as (...args: unknown[]) => unknown
  onTestFinished(() => {
    Reflect.deleteProperty(owner, name)
    if (original !== undefined) Object.defineProperty(owner, name, original)
  })
  Reflect.set(owner, name, function (this: unknown, ...args: unknown[]) {
    return wrapped.apply(this, args)
  })
  expect(isIntercepted(secure)).toBe(true)
})
