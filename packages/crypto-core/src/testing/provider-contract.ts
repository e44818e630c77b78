import { CEK_BYTES, generateIv } from '../content-key.ts'
import type { Envelope } from '../envelope.ts'
import { decodeEnvelope, encodeEnvelope } from '../envelope-codec.ts'
import { formatMaterialDescription } from '../material-description.ts'
import { newEnvelope } from '../new-envelope.ts'
import type { MasterKeyProvider } from '../ports.ts'
import { generateV1Start } from '../v1-start.ts'
import { type ContractCase, expectBytes, expectCode, expectThat } from './expect.ts'

/** What a provider's contract needs to be run. */
export interface ProviderContractOptions {
  /** Makes a provider that encrypts and decrypts. */
  create(): MasterKeyProvider | Promise<MasterKeyProvider>
  /** Makes one of the same wrap algorithm with another master key. */
  createOther(): MasterKeyProvider | Promise<MasterKeyProvider>
  /** Makes one that only encrypts, where the kind of key allows that. */
  createEncryptOnly?(): MasterKeyProvider | Promise<MasterKeyProvider>
}

/**
 * The rules that every master key provider keeps. Independent of any test runner.
 *
 * @example
 * ```ts
 * for (const rule of providerContract({ create, createOther })) it(rule.name, rule.run)
 * ```
 */
export function providerContract(options: ProviderContractOptions): readonly ContractCase[] {
  const { create, createOther, createEncryptOnly } = options

  const wrapped = async (provider: MasterKeyProvider) => {
    const iv = provider.envelopeVersion === 1 ? generateV1Start() : generateIv()
    const kept = Uint8Array.from(iv)
    const generated = await provider.generateContentKey(iv)
    expectBytes(iv, kept, 'the IV that was handed in')
    return { cek: generated.cek, iv, envelope: newEnvelope(provider, generated) }
  }

  const cases: ContractCase[] = [
    {
      name: 'unwraps what it wrapped',
      async run() {
        const provider = await create()
        const { cek, iv, envelope } = await wrapped(provider)
        const unwrapped = await provider.unwrap(envelope)
        expectBytes(unwrapped.cek, cek, 'the CEK')
        expectBytes(unwrapped.iv, iv, 'the IV')
      },
    },
    {
      name: 'makes a fresh 32-byte CEK for each object',
      async run() {
        const provider = await create()
        const [first, second] = [await wrapped(provider), await wrapped(provider)]
        expectThat(first.cek.length === CEK_BYTES && second.cek.length === CEK_BYTES, 'a CEK has 32 bytes')
        expectThat(String(first.cek) !== String(second.cek), 'two objects have different CEKs')
      },
    },
    {
      name: 'writes values that survive in headers',
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
      name: 'does not show a plaintext key in the envelope',
      async run() {
        const { cek, iv, envelope } = await wrapped(await create())
        const text = JSON.stringify(envelope)
        for (const secret of [cek, iv]) {
          const hex = Array.from(secret, (byte) => byte.toString(16).padStart(2, '0')).join('')
          expectThat(
            !text.includes(btoa(String.fromCharCode(...secret))) && !text.includes(hex),
            'a key in clear',
          )
        }
      },
    },
    {
      name: 'refuses an envelope of another master key, with the one unwrap error',
      async run() {
        const { envelope } = await wrapped(await createOther())
        const error = await expectCode(
          (await create()).unwrap(envelope),
          'ERR_CSE_UNWRAP_FAILED',
          'a foreign envelope',
        )
        expectThat(error.cause === undefined, 'the error tells no cause')
      },
    },
    {
      name: 'refuses altered, truncated, swapped and malformed wrapped values, always with the same error',
      async run() {
        const provider = await create()
        const { envelope } = await wrapped(provider)
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
          ['', wrappedIv],
          ['!not base64!', wrappedIv],
          [wrappedCek, '!not base64!'],
        ]
        for (const [index, [cek, iv]] of damaged.entries()) {
          const error = await expectCode(
            provider.unwrap(withWrapped(envelope, cek, iv)),
            'ERR_CSE_UNWRAP_FAILED',
            `damage ${index}`,
          )
          expectThat(error.cause === undefined, 'the error tells no cause')
          messages.add(error.message)
        }
        expectThat(messages.size === 1, 'every failure has one message')
      },
    },
    {
      name: 'serves many calls at once',
      async run() {
        const provider = await create()
        const objects = await Promise.all(Array.from({ length: 8 }, () => wrapped(provider)))
        const keys = await Promise.all(objects.map(({ envelope }) => provider.unwrap(envelope)))
        keys.forEach((key, index) => {
          expectBytes(key.cek, objects[index]?.cek ?? new Uint8Array(), `the CEK of call ${index}`)
        })
      },
    },
    {
      name: 'rejects a call whose signal is aborted, with the signal’s reason',
      async run() {
        const provider = await create()
        const reason = new Error('stop')
        const { envelope } = await wrapped(provider)
        const signal = AbortSignal.abort(reason)
        for (const call of [
          provider.generateContentKey(generateIv(), { signal }),
          provider.unwrap(envelope, { signal }),
        ]) {
          const error = await call.then(
            () => undefined,
            (thrown: unknown) => thrown,
          )
          expectThat(error === reason, 'the signal’s reason')
        }
      },
    },
  ]
  if (createEncryptOnly !== undefined) {
    cases.push({
      name: 'without its private half it encrypts, and says that it cannot decrypt',
      async run() {
        const provider = await createEncryptOnly()
        expectThat(provider.canUnwrap === false, 'canUnwrap is false')
        const { cek, envelope } = await wrapped(provider)
        await expectCode(provider.unwrap(envelope), 'ERR_CSE_CANNOT_UNWRAP', 'unwrap')
        expectBytes((await (await create()).unwrap(envelope)).cek, cek, 'the CEK for the whole key')
      },
    })
  }
  return cases
}

function wrappedIvOf(envelope: Envelope): string {
  return envelope.version === 1 ? envelope.wrappedStart : envelope.wrappedIv
}

function withWrapped(envelope: Envelope, wrappedCek: string, wrappedIv: string): Envelope {
  return envelope.version === 1
    ? { ...envelope, wrappedCek, wrappedStart: wrappedIv }
    : { ...envelope, wrappedCek, wrappedIv }
}
