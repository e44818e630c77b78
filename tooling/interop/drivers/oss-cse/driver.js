// oss-cse itself, spoken to like every other SDK.
import { createWriteStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { CryptoBucket } from '@oss-cse/bucket'
import { downloadFile, FileCheckpointStore, uploadFile } from '@oss-cse/bucket/node'
import { Keyring } from '@oss-cse/crypto-core'
import { AlicloudKms, KmsProvider } from '@oss-cse/provider-kms'
import { LocalRsaProvider, RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'

const ONE_REQUEST = Number.POSITIVE_INFINITY

/** Where the servers are: what `open` said. */
let settings

const provider = {
  rsa: ({ privateKeyFile, description }) =>
    new RsaProvider({
      privateKey: readFileSync(privateKeyFile, 'utf8'),
      materialDescription: Object.fromEntries(description),
    }),
  kms: ({ keyId, passphrase, encoding, description }) => {
    const { http, ...account } = settings.kms
    const client = new AlicloudKms({ ...account, endpoint: http })
    return new KmsProvider({
      client,
      keyId,
      passphrase,
      encoding,
      materialDescription: Object.fromEntries(description),
    })
  },
  'local-rsa': ({ dir, prefix, passphrase, format }) =>
    new LocalRsaProvider({ dir, prefix, passphrase, format }),
}

function bucketWith(masterKeys) {
  const [encrypting, ...decrypting] = masterKeys.map((key) => provider[key.kind](key))
  return new CryptoBucket({
    transport: new OssTransport(settings.service),
    keyring: new Keyring({ encrypting, decrypting }),
  })
}

const inParts = ({ partSize, parallel, checkpoints }) => ({
  partSizeBytes: partSize,
  parallel,
  checkpoint: new FileCheckpointStore({ directory: checkpoints }),
})

const operations = {
  open({ service, kms }) {
    const { caFile: _, https: __, ...overHttp } = kms
    settings = { service, kms: overHttp }
    const { version } = JSON.parse(
      readFileSync(new URL('../../../../packages/bucket/package.json', import.meta.url), 'utf8'),
    )
    return { versions: { '@oss-cse/bucket': version, Node: process.version } }
  },

  async put(bucket, { object, file, metadata }) {
    await uploadFile(bucket, object, file, { metadata, multipartThreshold: ONE_REQUEST })
  },

  async multipart(bucket, { object, file, partSize, metadata }) {
    await uploadFile(bucket, object, file, { metadata, multipartThreshold: 1, partSizeBytes: partSize })
  },

  async upload(bucket, request) {
    const { object, file, metadata } = request
    await uploadFile(bucket, object, file, { metadata, multipartThreshold: 1, ...inParts(request) })
  },

  async get(bucket, { object, file, range }) {
    const { body } = await bucket.get(object, { range })
    await pipeline(body, createWriteStream(file))
  },

  async download(bucket, request) {
    await downloadFile(bucket, request.object, request.file, { multigetThreshold: 1, ...inParts(request) })
  },

  copy: (bucket, { object, to }) => bucket.copy(object, to),

  async head(bucket, { object }) {
    const { metadata } = await bucket.head(object)
    return { metadata }
  },
}

async function answer({ id, op, ...request }) {
  try {
    const ok =
      op === 'open' ? operations.open(request) : await operations[op](bucketWith(request.masterKeys), request)
    return { id, ok: ok ?? {} }
  } catch (error) {
    return { id, error: { type: error.code ?? error.name, message: error.message } }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`)
}
