import { printable, printableJson } from '@oss-cse/crypto-core/internal'
import type { RunningEmulators } from './start-emulators.ts'

/** How a program reaches the emulators: one line of JSON. */
export function connectionJson({ oss, kms, securityToken }: RunningEmulators): string {
  const { endpoint, accessKeyId, accessKeySecret, region, buckets } = oss
  const connection = {
    endpoint,
    accessKeyId,
    accessKeySecret,
    ...(securityToken && {
      securityToken: securityToken.token,
      securityTokenExpiration: securityToken.expiresAt?.toISOString(),
    }),
    region,
    buckets,
    ...(kms && { kmsEndpoint: kms.endpoint, kmsKeyId: kms.keyId }),
    ...(kms?.caFile !== undefined && { kmsCaFile: kms.caFile }),
  }
  return `${printableJson(connection)}\n`
}

/**
 * How a person reaches them: what to paste into another shell.
 *
 * @param secretIsSet - whether the secret is already set in this shell; it is then not shown
 */
export function connectionText({ oss, kms, securityToken }: RunningEmulators, secretIsSet: boolean): string {
  const { endpoint, accessKeyId, accessKeySecret, region, buckets } = oss
  const url = `oss://${buckets[0]}/readme`
  const key = kms === undefined ? '--rsa-private-key keys/private_key.pem' : `--kms-key-id ${kms.keyId}`
  const lines = [
    `The OSS emulator listens on ${endpoint}, with the buckets ${buckets.join(', ')}.`,
    ...(kms ? [`The KMS emulator listens on ${kms.endpoint}, with the key ${kms.keyId}.`] : []),
    '',
    ...(securityToken?.expiresAt
      ? [`The security token expires at ${securityToken.expiresAt.toISOString()}.`, '']
      : []),
    'Paste this into another shell:',
    '',
    `  export OSS_ENDPOINT=${endpoint}`,
    `  export OSS_REGION=${region}`,
    `  export OSS_ACCESS_KEY_ID=${printable(accessKeyId)}`,
    secretIsSet
      ? '  # OSS_ACCESS_KEY_SECRET: use the value that is set here'
      : `  export OSS_ACCESS_KEY_SECRET=${accessKeySecret}`,
    ...(securityToken ? [`  export OSS_SESSION_TOKEN=${shellWord(securityToken.token)}`] : []),
    ...(kms ? [`  export OSS_CSE_KMS_ENDPOINT=${kms.endpoint}`] : []),
    ...(kms?.caFile === undefined ? [] : [`  export NODE_EXTRA_CA_CERTS=${shellWord(kms.caFile)}`]),
    '',
    'Then try:',
    '',
    ...(kms ? [] : ['  oss-cse keygen --out keys']),
    `  oss-cse put README.md ${url} ${key}`,
    `  oss-cse cat ${url} ${key}`,
    '',
    'Press Ctrl-C to stop.',
  ]
  return `${lines.join('\n')}\n`
}

/** Quotes a text with any characters for a shell. */
function shellWord(text: string): string {
  const word = printable(text)
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
