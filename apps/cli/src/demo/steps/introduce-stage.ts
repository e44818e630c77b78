import { TransportError } from '@oss-cse/crypto-core'
import type { DemoStep } from '../demo-step.ts'
import { formatDuration } from '../format.ts'
import { BUCKET, connect } from '../stage.ts'

/** Presents the server and the master key, and shows that the server refuses a request with a wrong signature. */
export const introduceStage: DemoStep = async ({ stage, screen, checks }) => {
  const { emulator, provider, keyPairMs } = stage
  screen.note(
    `An emulator of Alibaba Cloud OSS listens on ${emulator.endpoint} with one bucket, "${BUCKET}". The master key is an RSA key pair. Its private key never leaves this process.`,
  )
  const signed = await codeOf(stage.transport.get({ key: 'nothing', headers: {} }))
  const wrongSecret = connect(emulator, 'not-the-secret')
  const forged = await codeOf(wrongSecret.get({ key: 'nothing', headers: {} }))
  checks.that(
    signed === 'NoSuchKey' && forged === 'SignatureDoesNotMatch',
    `The server checks signatures: a wrong secret returns ${forged}`,
  )
  checks.that(
    provider.modulusBits === 3072 && provider.canUnwrap,
    `RSA-${provider.modulusBits} key pair generated in ${formatDuration(keyPairMs)}`,
  )
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'no refusal'
  } catch (error) {
    if (TransportError.isInstance(error)) return error.serviceCode ?? error.code
    throw error
  }
}
