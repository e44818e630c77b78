import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cdp } from 'vitest/browser'
import { createWebAesProvider } from './aes-provider.ts'
import { addPasskey, keyFromPasskey, type PasskeyWrappedKey } from './passkey-key.ts'
import { createPassphraseKey } from './passphrase-key.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const identityOf = async (key: CryptoKey) => (await createWebAesProvider(key)).keyIdentity

/** What the test says to Chromium: its virtual authenticator has no user who must be asked. */
const session = cdp() as unknown as {
  send(method: string, options?: object): Promise<{ authenticatorId: string }>
}
const RECOVERY = crypto.randomUUID()
const { key, wrappedKey } = await createPassphraseKey(RECOVERY)
const options = {
  rpName: 'Tests',
  user: { id: Uint8Array.of(1, 2, 3), name: 'user', displayName: 'User' },
}

let authenticatorId = ''

async function plugIn(hasPrf: boolean): Promise<void> {
  const { authenticatorId: id } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      hasPrf,
    },
  })
  authenticatorId = id
}

beforeEach(async () => {
  await session.send('WebAuthn.enable')
  await plugIn(true)
})

afterEach(async () => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  await session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
  await session.send('WebAuthn.disable')
})

describe('a passkey', () => {
  test('opens the key of the passphrase from JSON, and no script can read it', async () => {
    const passkey = await addPasskey(wrappedKey, RECOVERY, options)
    const opened = await keyFromPasskey(JSON.parse(JSON.stringify(passkey)))
    expect(await identityOf(opened)).toBe(await identityOf(key))
    expect(opened.extractable).toBe(false)
  })

  test('opens its own record only: each of two has one', async () => {
    const [one, other] = [
      await addPasskey(wrappedKey, RECOVERY, options),
      await addPasskey(wrappedKey, RECOVERY, { ...options, user: { ...options.user, id: Uint8Array.of(9) } }),
    ]
    expect(await identityOf(await keyFromPasskey(other))).toBe(await identityOf(await keyFromPasskey(one)))
    await expect(keyFromPasskey({ ...one, credentialId: other.credentialId })).rejects.toEqual(
      code('ERR_CSE_PASSPHRASE'),
    )
  })

  test('does not open an altered record', async () => {
    const passkey = await addPasskey(wrappedKey, RECOVERY, options)
    const flipped = `${passkey.wrappedKey[0] === 'A' ? 'B' : 'A'}${passkey.wrappedKey.slice(1)}`
    for (const altered of [{ wrappedKey: flipped }, { salt: btoa('0123456789abcdef') }]) {
      await expect(keyFromPasskey({ ...passkey, ...altered })).rejects.toEqual(code('ERR_CSE_PASSPHRASE'))
    }
  })

  test('is not made before the passphrase has opened the key', async () => {
    const create = vi.spyOn(navigator.credentials, 'create')
    await expect(addPasskey(wrappedKey, 'another', options)).rejects.toEqual(code('ERR_CSE_PASSPHRASE'))
    expect(create).not.toHaveBeenCalled()
  })

  test('is waited for until the signal aborts', async () => {
    const passkey = await addPasskey(wrappedKey, RECOVERY, options)
    // Nobody touches it.
    await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: false })
    const controller = new AbortController()
    const reason = new Error('stop')
    const opening = keyFromPasskey(passkey, { signal: controller.signal })
    controller.abort(reason)
    await expect(opening).rejects.toBe(reason)
    await expect(keyFromPasskey(passkey, { signal: controller.signal })).rejects.toBe(reason)
  })

  test('that the user does not allow is refused, and the error names the way back', async () => {
    const passkey = await addPasskey(wrappedKey, RECOVERY, options)
    const cause = new DOMException('', 'NotAllowedError')
    vi.spyOn(navigator.credentials, 'get').mockRejectedValue(cause)
    await expect(keyFromPasskey(passkey)).rejects.toMatchObject({
      code: 'ERR_CSE_OPERATION_REFUSED',
      message: expect.stringContaining('passphrase'),
      cause,
    })
  })

  test('needs the PRF', async () => {
    await session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
    await plugIn(false)
    await expect(addPasskey(wrappedKey, RECOVERY, options)).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
  })

  test('needs a browser that has passkeys', async () => {
    vi.stubGlobal('navigator', {})
    await expect(addPasskey(wrappedKey, RECOVERY, options)).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
  })

  test.each([
    undefined,
    null,
    {},
    { version: 1, rpId: 'localhost', credentialId: '', salt: '', wrappedKey: '' },
  ])('is not asked for because of %j', async (record) => {
    await expect(keyFromPasskey(record as PasskeyWrappedKey)).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
  })
})
