import { CryptoBucket } from '@oss-cse/bucket'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import type { DemoStep } from '../demo-step.ts'
import { MASTER_KEY_NAME } from '../stage.ts'

/** Tries to read the letter with access to the server but without the master key. */
export const tryWrongKeys: DemoStep = async ({ stage, screen, checks }) => {
  const { transport } = stage
  const { key } = stage.letter
  screen.note(`These readers can download ${key} from the server, but they have another master key.`)
  const { privateKey } = await generateRsaKeyPair()
  const pretender = new RsaProvider({ privateKey, materialDescription: MASTER_KEY_NAME })
  await checks.refused('Another key under the right name is refused', 'ERR_CSE_UNWRAP_FAILED', () =>
    new CryptoBucket({ transport, provider: pretender }).getBytes(key),
  )
  const stranger = new RsaProvider({ privateKey, materialDescription: { key: 'stranger' } })
  await checks.refused('A key with another name is not even tried', 'ERR_CSE_NO_MATCHING_KEY', () =>
    new CryptoBucket({ transport, provider: stranger }).getBytes(key),
  )
}
