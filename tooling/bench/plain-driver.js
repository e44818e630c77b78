// Drives ali-oss as it comes, which encrypts nothing, by the protocol of the interoperability lab.
import { createRequire } from 'node:module'
import OSS from 'ali-oss'
import { driveAliOss } from './ali-oss-driver.js'

const { version } = createRequire(import.meta.url)('ali-oss/package.json')

await driveAliOss({
  title: 'ali-oss',
  versions: { 'ali-oss': version },
  client: (options) => new OSS(options),
})
