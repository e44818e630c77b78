// An emulator with many small objects, in a process of its own.
import { readFileSync } from 'node:fs'
import { CryptoBucket } from '@oss-cse/bucket'
import { startOssEmulator } from '@oss-cse/oss-emulator'
import { RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'

const AT_ONCE = 32

const { objects, sizeBytes, keyFile, materialDescription, shardKeys } = JSON.parse(process.argv[2])
const emulator = await startOssEmulator({ maxRecordedRequests: 1, maxListedKeys: shardKeys })
const { endpoint, region, accessKeyId, accessKeySecret } = emulator
const [bucket] = emulator.buckets
emulator.setVersioning(bucket, 'Enabled')
const service = { endpoint, region, accessKeyId, accessKeySecret, bucket }
const provider = new RsaProvider({ privateKey: readFileSync(keyFile, 'utf8'), materialDescription })
const encrypted = new CryptoBucket({ transport: new OssTransport(service), provider })
const bytes = new Uint8Array(sizeBytes).fill(1)
let next = 0
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (next < objects) await encrypted.put(`data/${String(next++).padStart(9, '0')}`, bytes)
  }),
)
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send({ cpuSeconds: (user + system) / 1e6 })
})
process.on('disconnect', () => process.exit())
process.send(service)
