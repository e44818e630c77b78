import { CEK_BYTES, generateCek, generateIv, IV_BYTES } from '../content-key.ts'
import type { Envelope } from '../envelope.ts'
import { decodeEnvelope, encodeEnvelope } from '../envelope-codec.ts'
import { type CseError, TransportError, unwrapFailed } from '../errors.ts'
import { formatMaterialDescription } from '../material-description.ts'
import { newEnvelope } from '../new-envelope.ts'
import type { CallOptions, ContentKey, MasterKeyProvider, WrappedContentKey } from '../ports.ts'
import { generateV1Start } from '../v1-start.ts'
import { type ContractCase, expectBytes, expectCode, expectThat, rejection } from './expect.ts'
import { type Secret, showsSecret } from './shown-secrets.ts'

/** Options of the contract of master key providers. */
export interface ProviderContractOptions {
  /** Makes a provider that encrypts and decrypts. Each call returns a new one, with the same master key. */
  create(): MasterKeyProvider | Promise<MasterKeyProvider>
  /** Makes a provider with the same wrap algorithm and another master key. */
  createOther(): MasterKeyProvider | Promise<MasterKeyProvider>
  /** Makes a provider that only encrypts. Omit it if the kind of key does not allow that. */
  createEncryptOnly?(): MasterKeyProvider | Promise<MasterKeyProvider>
  /** Makes a provider whose key service does not respond, or fails. Omit it if there is no key service. */
  createUnavailable?(): MasterKeyProvider | Promise<MasterKeyProvider>
  /**
   * True if the provider has no `wrap`, or refuses to wrap because it writes V1. Its rules are then left out, and one that says so
   * takes their place. Default false.
   */
  readonly withoutWrap?: boolean | undefined
  /** True if the same bytes are wrapped differently each time. It adds a rule. Default false. */
  readonly randomized?: boolean | undefined
  /** Secrets that a provider of `create` must not show, such as its master key, passphrase or token. */
  readonly secrets?: readonly (Uint8Array | string)[] | undefined
}

/** After how many microtasks a call is aborted: at once, and at the awaits that a provider is likely to have. */
const ABORT_AFTER_TURNS: readonly number[] = [0, 1, 2, 3, 5, 8, 20]

const WRONG_LENGTHS: readonly (readonly [cekBytes: number, ivBytes: number])[] = [
  [CEK_BYTES - 1, IV_BYTES],
  [CEK_BYTES + 1, IV_BYTES],
  [IV_BYTES, IV_BYTES],
  [0, IV_BYTES],
  [CEK_BYTES, IV_BYTES - 1],
  [CEK_BYTES, IV_BYTES + 1],
  [CEK_BYTES, CEK_BYTES],
  [CEK_BYTES, 0],
]

/**
 * Returns the rules for every master key provider. They do not depend on a test runner.
 *
 * @example
 * ```ts
 * for (const rule of providerContract({ create, createOther })) it(rule.name, rule.run)
 * ```
 */
export function providerContract(options: ProviderContractOptions): readonly ContractCase[] {
  const { create, createOther, createEncryptOnly, createUnavailable, secrets = [] } = options
  const { withoutWrap = false, randomized = false } = options

  /** Each call of a provider, with the content key of an object or with another one. */
  function callsOf(
    provider: MasterKeyProvider,
    envelope: Envelope,
    key: ContentKey = { cek: generateCek(), iv: newIv(provider) },
  ): readonly ((call: CallOptions) => Promise<unknown>)[] {
    return [
      (call) => provider.generateContentKey(Uint8Array.from(key.iv), call),
      (call) => provider.unwrap(envelope, call),
      ...(withoutWrap ? [] : [(call: CallOptions) => wrapGiven(provider, key, call)]),
    ]
  }

  const cases: ContractCase[] = [
    {
      name: 'unwraps what it wrapped',
      async run() {
        const provider = await create()
        const { cek, iv, envelope } = await wrapped(provider)
        for (const time of ['first', 'second']) {
          const unwrapped = await provider.unwrap(envelope)
          expectBytes(unwrapped.cek, cek, `the CEK, unwrapped for the ${time} time`)
          expectBytes(unwrapped.iv, iv, `the IV, unwrapped for the ${time} time`)
        }
      },
    },
    {
      name: 'unwraps what another provider of the same master key wrapped',
      async run() {
        const { cek, iv, envelope } = await wrapped(await create())
        const unwrapped = await (await create()).unwrap(envelope)
        expectBytes(unwrapped.cek, cek, 'the CEK')
        expectBytes(unwrapped.iv, iv, 'the IV')
      },
    },
    {
      name: 'states the same identity for the same master key, and never that of another one',
      async run() {
        const { keyIdentity } = await create()
        expectThat((await create()).keyIdentity === keyIdentity, 'the identity of the same master key')
        if (keyIdentity === undefined) return
        expectThat(typeof keyIdentity === 'string' && keyIdentity !== '', 'the identity is a text')
        expectThat(
          (await createOther()).keyIdentity !== keyIdentity,
          'another master key has another identity',
        )
        const encrypting = await createEncryptOnly?.()
        expectThat(
          encrypting === undefined || encrypting.keyIdentity === keyIdentity,
          'the half that only encrypts has the identity of its master key',
        )
      },
    },
    {
      name: 'does not change the IV and the envelope that it receives',
      async run() {
        const provider = await create()
        const iv = newIv(provider)
        const kept = Uint8Array.from(iv)
        const envelope = newEnvelope(provider, await provider.generateContentKey(iv))
        const text = JSON.stringify(envelope)
        await provider.unwrap(envelope)
        expectBytes(iv, kept, 'the IV that was passed')
        expectThat(JSON.stringify(envelope) === text, 'the envelope that was passed is unchanged')
      },
    },
    {
      name: 'makes a fresh 32-byte CEK for each object',
      async run() {
        const provider = await create()
        const earlier = await wrapped(provider)
        await provider.unwrap(earlier.envelope)
        const objects = [
          earlier,
          await wrapped(provider),
          ...(await Promise.all(Array.from({ length: 4 }, () => wrapped(provider)))),
          // A provider that counts from a fixed start repeats its keys in the next process.
          await wrapped(await create()),
        ]
        for (const { cek } of objects) expectThat(cek.length === CEK_BYTES, 'a CEK has 32 bytes')
        expectThat(
          new Set(objects.map(({ cek }) => String(cek))).size === objects.length,
          'objects have different CEKs',
        )
      },
    },
    {
      name: 'writes values that are valid in headers',
      async run() {
        const provider = await create()
        const { envelope } = await wrapped(provider)
        const decoded = decodeEnvelope(encodeEnvelope(envelope))
        expectThat(decoded !== undefined && decoded.version === envelope.version, 'the envelope decodes')
        expectThat(
          decoded.wrappedCek === envelope.wrappedCek && wrappedIvOf(decoded) === wrappedIvOf(envelope),
          'the wrapped values',
        )
        expectThat(
          formatMaterialDescription(decoded.materialDescription) ===
            formatMaterialDescription(provider.materialDescription),
          'the material description',
        )
      },
    },
    {
      name: 'does not reveal a plaintext key in the envelope',
      async run() {
        const { envelope, ...object } = await wrapped(await create())
        expectThat(!showsSecret(envelope, keysOf(object)), 'the envelope holds no plaintext key')
      },
    },
    {
      name: 'does not reveal a key when it is printed',
      async run() {
        const provider = await create()
        const { envelope, ...object } = await wrapped(provider)
        await provider.unwrap(envelope)
        expectThat(
          !showsSecret(provider, [...keysOf(object), ...secrets]),
          'no text of the provider holds a key',
        )
      },
    },
    {
      name: 'refuses an envelope of another master key with the standard unwrap error',
      async run() {
        const { envelope, ...object } = await wrapped(await createOther())
        const error = await expectCode(
          (await create()).unwrap(envelope),
          'ERR_CSE_UNWRAP_FAILED',
          'a foreign envelope',
        )
        expectBare(error)
        expectThat(!showsSecret(error, [...keysOf(object), ...secrets]), 'the error holds no key')
      },
    },
    {
      name: 'refuses an envelope of the other version under its own name with the standard unwrap error',
      async run() {
        const provider = await create()
        const { envelope } = await wrapped(provider)
        expectBare(
          await expectCode(
            provider.unwrap(ofOtherVersion(envelope)),
            'ERR_CSE_UNWRAP_FAILED',
            'an envelope of the other version',
          ),
        )
      },
    },
    {
      name: 'refuses altered, truncated, swapped and malformed wrapped values with one and the same error',
      async run() {
        const provider = await create()
        const { envelope, ...object } = await wrapped(provider)
        const foreign = await wrapped(await createOther())
        const flip = (text: string) => (text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`)
        const messages = new Set<string>()
        const { wrappedCek } = envelope
        const wrappedIv = wrappedIvOf(envelope)
        const damaged: readonly (readonly [wrappedCek: string, wrappedIv: string])[] = [
          [flip(wrappedCek), wrappedIv],
          [wrappedCek, flip(wrappedIv)],
          [wrappedCek.slice(0, -4), wrappedIv],
          [wrappedCek, wrappedIv.slice(4)],
          [wrappedIv, wrappedCek],
          [foreign.envelope.wrappedCek, wrappedIv],
          [wrappedCek, wrappedIvOf(foreign.envelope)],
          [foreign.envelope.wrappedCek, wrappedIvOf(foreign.envelope)],
          ['', wrappedIv],
          ['!not base64!', wrappedIv],
          [wrappedCek, '!not base64!'],
          ...withStrayBits(wrappedCek).map((cek) => [cek, wrappedIv] as const),
          ...withStrayBits(wrappedIv).map((iv) => [wrappedCek, iv] as const),
        ]
        for (const [index, [cek, iv]] of damaged.entries()) {
          const error = await expectCode(
            provider.unwrap(withWrapped(envelope, cek, iv)),
            'ERR_CSE_UNWRAP_FAILED',
            `damage ${index}`,
          )
          expectBare(error)
          expectThat(!showsSecret(error, [...keysOf(object), ...secrets]), 'the error holds no key')
          messages.add(error.message)
        }
        expectThat(messages.size === 1, 'every failure has one message')
      },
    },
    {
      name: 'handles concurrent calls',
      async run() {
        const provider = await create()
        const objects = await Promise.all(Array.from({ length: 8 }, () => wrapped(provider)))
        const keys = await Promise.all(objects.map(({ envelope }) => provider.unwrap(envelope)))
        keys.forEach((key, index) => {
          expectBytes(key.cek, objects[index]?.cek ?? new Uint8Array(), `the CEK of call ${index}`)
          expectBytes(key.iv, objects[index]?.iv ?? new Uint8Array(), `the IV of call ${index}`)
        })
      },
    },
    {
      name: 'rejects a call with an aborted signal, with the signal’s reason',
      async run() {
        const provider = await create()
        const reason = new Error('stop')
        const { envelope } = await wrapped(provider)
        const signal = AbortSignal.abort(reason)
        for (const call of callsOf(provider, envelope)) {
          expectThat((await rejection(call({ signal }), 'an aborted call')) === reason, 'the signal’s reason')
        }
      },
    },
    {
      name: 'a running call that is aborted rejects with the signal’s reason, unless it has already resolved',
      async run() {
        const provider = await create()
        const { envelope } = await wrapped(provider)
        for (const call of callsOf(provider, envelope)) {
          for (const turns of ABORT_AFTER_TURNS) {
            const controller = new AbortController()
            const reason = new Error('stop')
            const outcome = call({ signal: controller.signal }).then(
              () => undefined,
              (error: unknown) => ({ error }),
            )
            for (let turn = 0; turn < turns; turn++) await undefined
            controller.abort(reason)
            const failure = await outcome
            expectThat(failure === undefined || failure.error === reason, 'only the signal’s reason')
          }
        }
      },
    },
  ]
  cases.push(...(withoutWrap ? [wrapsNothing(create)] : wrapRules(options)))
  if (randomized && !withoutWrap) {
    cases.push({
      name: 'wraps a given content key differently each time',
      async run() {
        const provider = await create()
        const key = { cek: generateCek(), iv: newIv(provider) }
        const [one, other] = [await wrapGiven(provider, key), await wrapGiven(provider, key)]
        expectThat(one.wrappedCek !== other.wrappedCek, 'the wrapped CEKs differ')
        expectThat(one.wrappedIv !== other.wrappedIv, 'the wrapped IVs differ')
      },
    })
  }
  if (createEncryptOnly !== undefined) {
    cases.push({
      name: 'encrypts without its private half, and refuses to decrypt',
      async run() {
        const provider = await createEncryptOnly()
        expectThat(provider.canUnwrap === false, 'canUnwrap is false')
        const { cek, envelope } = await wrapped(provider)
        await expectCode(provider.unwrap(envelope), 'ERR_CSE_CANNOT_UNWRAP', 'unwrap')
        expectBytes((await (await create()).unwrap(envelope)).cek, cek, 'the CEK for the whole key')
        if (withoutWrap) return
        const key = { cek: generateCek(), iv: newIv(provider) }
        const given = newEnvelope(provider, await wrapGiven(provider, key))
        expectBytes((await (await create()).unwrap(given)).cek, key.cek, 'the given CEK for the whole key')
      },
    })
  }
  if (createUnavailable !== undefined) {
    cases.push({
      name: 'distinguishes a key service that does not respond from a mismatch, and reveals no key in the error',
      async run() {
        const provider = await createUnavailable()
        const { envelope, ...object } = await wrapped(await create())
        const calls = callsOf(provider, envelope, object)
        for (const error of await Promise.all(
          calls.map((call) => rejection(call({}), 'a service that does not respond')),
        )) {
          expectThat(TransportError.isInstance(error), `a TransportError, not ${String(error)}`)
          expectThat(!showsSecret(error, [...keysOf(object), ...secrets]), 'the error holds no key')
        }
      },
    })
  }
  return cases
}

function wrapRules({ create, createOther }: ProviderContractOptions): readonly ContractCase[] {
  return [
    {
      name: 'wraps a given content key so that only the same master key unwraps it, to the same CEK and IV',
      async run() {
        const provider = await create()
        const key = { cek: generateCek(), iv: newIv(provider) }
        const envelope = newEnvelope(provider, await wrapGiven(provider, key))
        const stored = decodeEnvelope(encodeEnvelope(envelope))
        expectThat(stored !== undefined, 'the envelope decodes')
        for (const reader of [provider, await create()]) {
          const unwrapped = await reader.unwrap(stored)
          expectBytes(unwrapped.cek, key.cek, 'the CEK')
          expectBytes(unwrapped.iv, key.iv, 'the IV')
        }
        await expectCode((await createOther()).unwrap(stored), 'ERR_CSE_UNWRAP_FAILED', 'another master key')
        expectThat(!showsSecret(envelope, keysOf(key)), 'the envelope holds no plaintext key')
        expectThat(!showsSecret(provider, keysOf(key)), 'no text of the provider holds a given key')
      },
    },
    {
      name: 'wraps given content keys in concurrent calls, and does not change them',
      async run() {
        const provider = await create()
        const keys = Array.from({ length: 8 }, () => ({ cek: generateCek(), iv: newIv(provider) }))
        const passed = keys.map(({ cek, iv }) => ({ cek: Uint8Array.from(cek), iv: Uint8Array.from(iv) }))
        const wraps = await Promise.all(passed.map((key) => wrapGiven(provider, key)))
        for (const [index, { cek, iv }] of keys.entries()) {
          expectBytes(passed[index]?.cek ?? new Uint8Array(), cek, `the CEK that was passed to call ${index}`)
          expectBytes(passed[index]?.iv ?? new Uint8Array(), iv, `the IV that was passed to call ${index}`)
          const unwrapped = await provider.unwrap(newEnvelope(provider, wraps[index] as WrappedContentKey))
          expectBytes(unwrapped.cek, cek, `the CEK of call ${index}`)
          expectBytes(unwrapped.iv, iv, `the IV of call ${index}`)
        }
      },
    },
    {
      name: 'refuses to wrap a CEK or an IV of another length',
      async run() {
        const provider = await create()
        for (const [cekBytes, ivBytes] of WRONG_LENGTHS) {
          const key = { cek: new Uint8Array(cekBytes).fill(7), iv: new Uint8Array(ivBytes).fill(8) }
          await expectCode(
            wrapGiven(provider, key),
            'ERR_CSE_INVALID_ARGUMENT',
            `a CEK of ${cekBytes} bytes and an IV of ${ivBytes} bytes`,
          )
        }
      },
    },
  ]
}

/** In place of the rules for `wrap`, so that their absence is visible. */
function wrapsNothing(create: ProviderContractOptions['create']): ContractCase {
  return {
    name: 'wraps no given content key, as its author states: objects cannot be re-wrapped under it',
    async run() {
      const provider = await create()
      if (provider.wrap === undefined) return
      const key = { cek: generateCek(), iv: newIv(provider) }
      await expectCode(provider.wrap(key), 'ERR_CSE_OPERATION_REFUSED', 'wrap, with `withoutWrap`')
    },
  }
}

async function wrapGiven(
  provider: MasterKeyProvider,
  key: ContentKey,
  call: CallOptions = {},
): Promise<WrappedContentKey> {
  expectThat(
    provider.wrap !== undefined,
    'the provider has no `wrap`: pass `withoutWrap: true` if it is not to have one',
  )
  return provider.wrap(key, call)
}

function newIv({ envelopeVersion }: MasterKeyProvider): Uint8Array {
  return envelopeVersion === 1 ? generateV1Start() : generateIv()
}

async function wrapped(provider: MasterKeyProvider): Promise<ContentKey & { readonly envelope: Envelope }> {
  const iv = newIv(provider)
  const generated = await provider.generateContentKey(Uint8Array.from(iv))
  return { cek: Uint8Array.from(generated.cek), iv, envelope: newEnvelope(provider, generated) }
}

/** The secrets of an object. A V1 start value is not one: it has ten possible values, and occurs in texts by chance. */
function keysOf({ cek, iv }: ContentKey): readonly Secret[] {
  return iv.subarray(0, IV_BYTES - 1).some((byte) => byte !== 0) ? [cek, iv] : [cek]
}

/** Fails if the error has a cause, or a property that the error of `unwrapFailed` does not have. */
function expectBare(error: CseError): void {
  expectThat(error.cause === undefined, 'the error has no cause')
  const known = Object.getOwnPropertyNames(unwrapFailed())
  // Some runtimes add properties for the place where an error was made.
  const more = Object.keys(error).filter((name) => !known.includes(name))
  expectThat(more.length === 0, `the error has other properties: ${more.join(', ')}`)
}

function wrappedIvOf(envelope: Envelope): string {
  return envelope.version === 1 ? envelope.wrappedStart : envelope.wrappedIv
}

/** Returns a base64 text of the same bytes with stray low bits in its last character. Returns none if it has no padding. */
function withStrayBits(text: string): readonly string[] {
  const [, head, last = '', padding] = /^(.*)([A-Za-z0-9+/])(=+)$/.exec(text) ?? []
  return padding === undefined ? [] : [`${head}${String.fromCharCode(last.charCodeAt(0) + 1)}${padding}`]
}

/** Returns the same wrapped values in an envelope of the version that the provider does not write. */
function ofOtherVersion(envelope: Envelope): Envelope {
  const { wrappedCek, wrapAlgorithm, materialDescription, cekAlgorithm } = envelope
  const common = { wrappedCek, wrapAlgorithm, materialDescription, cekAlgorithm }
  return envelope.version === 1
    ? { version: 2, ...common, wrappedIv: envelope.wrappedStart }
    : { version: 1, ...common, wrappedStart: envelope.wrappedIv }
}

function withWrapped(envelope: Envelope, wrappedCek: string, wrappedIv: string): Envelope {
  return envelope.version === 1
    ? { ...envelope, wrappedCek, wrappedStart: wrappedIv }
    : { ...envelope, wrappedCek, wrappedIv }
}
