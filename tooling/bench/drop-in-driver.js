// Drives the drop-in for ali-oss by the same calls as plain-driver.js drives ali-oss.
import { readFileSync } from 'node:fs'
import { CryptoOSS } from '@oss-cse/ali-oss'
import { RsaProvider } from '@oss-cse/provider-rsa'
import { driveAliOss } from './ali-oss-driver.js'

await driveAliOss({
  title: 'The drop-in',
  versions: { '@oss-cse/ali-oss': 'of this repository' },
  client: (options, [{ privateKeyFile }]) =>
    new CryptoOSS({
      ...options,
      provider: new RsaProvider({ privateKey: readFileSync(privateKeyFile, 'utf8') }),
    }),
})
