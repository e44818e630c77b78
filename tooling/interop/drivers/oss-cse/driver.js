// oss-cse itself, spoken to like every other SDK.
import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { CryptoBucket } from '@oss-cse/bucket'
import { downloadFile, FileCheckpointStore, putFile, uploadFile } from '@oss-cse/bucket/node'
import { Keyring } from '@oss-cse/crypto-core'
import { AlicloudKms, KmsProvider } from '@oss-cse/provider-kms'
import { LocalRsaProvider, RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'
import { repeated } from '../../repeated.js'

const BUFFER_BYTES = 2 ** 20

/** Of a provider that is to keep unwrapped keys. */
const UNWRAP_CACHE = { maxEntries: 100, ttlMs: 600_000 }

/** Where the servers are: what `open` said. */
let settings

class Absent extends Error {}

const provider = {
  rsa: ({ privateKeyFile, description, unwrapCache = false }) => {
    // A provider that has no such option would take no notice of it.
    if (unwrapCache && !('clearUnwrapCache' in RsaProvider.prototype)) {
      throw new Absent('RsaProvider keeps no unwrapped keys.')
    }
    return new RsaProvider({
      privateKey: readFileSync(privateKeyFile, 'utf8'),
      materialDescription: Object.fromEntries(description),
      ...(unwrapCache && { unwrapCache: UNWRAP_CACHE }),
    })
  },
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
    new LocalRsaProvider({ directory: dir, prefix, passphrase, format }),
}

function bucketWith({ masterKeys, format, accept, context }) {
  const [encrypting, ...decrypting] = masterKeys.map((key) => provider[key.kind](key))
  return new CryptoBucket({
    transport: new OssTransport(settings.service),
    keyring: new Keyring({ encrypting, decrypting }),
    format,
    accept,
    context: context === undefined ? undefined : () => context,
  })
}

function fileBody(file, start = 0, end = statSync(file).size) {
  const open = () =>
    end > start
      ? createReadStream(file, { start, end: end - 1, highWaterMark: BUFFER_BYTES })
      : Readable.from([])
  return { sizeBytes: end - start, open }
}

const inParts = ({ partSize, parallel, checkpoints }) => ({
  partSizeBytes: partSize,
  parallel,
  checkpointStore: new FileCheckpointStore({ directory: checkpoints }),
})

const operations = {
  open({ service, kms }) {
    const { caFile: _, https: __, ...overHttp } = kms
    settings = { service, kms: overHttp }
    return { versions: { '@oss-cse/bucket': 'of this repository' } }
  },

  async put(bucket, { object, file, metadata }) {
    await putFile(bucket, object, file, { metadata })
  },

  async multipart(bucket, { object, file, partSize, metadata }) {
    const sizeBytes = statSync(file).size
    const options = { sizeBytes, partSizeBytes: partSize, metadata }
    const upload = await bucket.initiateMultipartUpload(object, options)
    for (let number = 1; number <= upload.plan.partCount; number++) {
      const { offsetBytes: start, sizeBytes: length } = upload.plan.part(number)
      await upload.uploadPart(number, fileBody(file, start, start + length))
    }
    await upload.completeMultipartUpload()
  },

  async upload(bucket, request) {
    const { object, file, metadata } = request
    await uploadFile(bucket, object, file, { metadata, multipartThresholdBytes: 1, ...inParts(request) })
  },

  async get(bucket, { object, file, range, onPlainObject }) {
    await downloadFile(bucket, object, file, { range, onPlainObject })
  },

  async download(bucket, request) {
    await downloadFile(bucket, request.object, request.file, {
      multipartThresholdBytes: 1,
      ...inParts(request),
    })
  },

  async loop(bucket, { call, object, file, count, parallel }) {
    const content = call === 'put' ? readFileSync(file) : undefined
    const once = { put: () => bucket.put(object, content), get: () => bucket.getBytes(object) }[call]
    const last = await repeated({ count, parallel }, once)
    if (call === 'get') writeFileSync(file, last)
  },

  copy: (bucket, { object, to }) => bucket.copy(object, to),

  async head(bucket, { object }) {
    const { metadata } = await bucket.head(object)
    return { metadata }
  },
}

async function answer({ id, op, ...request }) {
  try {
    const ok = op === 'open' ? operations.open(request) : await operations[op](bucketWith(request), request)
    return { id, ok: ok ?? {} }
  } catch (error) {
    if (error instanceof Absent) return { id, absent: error.message }
    return { id, error: { type: error.code ?? error.name, message: error.message } }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`)
}
