import { CryptoBucket } from '@oss-cse/bucket'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import type { DemoStep } from '../demo-step.ts'
import { MASTER_KEY_NAME } from '../stage.ts'

/** Lets readers try who may log in to the server but do not have the master key. */
export const tryWrongKeys: DemoStep = async ({ stage, screen, checks }) => {
  const { transport } = stage
  const { key } = stage.letter
  screen.note(`They may log in to the server and fetch ${key}; their master key is another.`)
  const { privateKey } = await generateRsaKeyPair()
  const pretender = new RsaProvider({ privateKey, materialDescription: MASTER_KEY_NAME })
  await checks.refused('A key that goes by the right name is refused', 'ERR_CSE_UNWRAP_FAILED', () =>
    new CryptoBucket({ transport, provider: pretender }).getBytes(key),
  )
  const stranger = new RsaProvider({ privateKey, materialDescription: { key: 'stranger' } })
  await checks.refused('A key with a name of its own is not even tried', 'ERR_CSE_NO_MATCHING_KEY', () =>
    new CryptoBucket({ transport, provider: stranger }).getBytes(key),
  )
}
