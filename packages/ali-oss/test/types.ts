// Only the compiler checks this file, against the published package. It shows the errors that an editor would show.
import type { Readable } from 'node:stream'
import { CryptoOSS, type CryptoOSSOptions } from '@oss-cse/ali-oss'
import type { MasterKeyProvider } from '@oss-cse/crypto-core'
import type OSS from 'ali-oss'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function check<Claim extends true>(claim?: Claim): void {
  void claim
}

declare const provider: MasterKeyProvider
declare const plainOptions: OSS.Options
const options: CryptoOSSOptions = { ...plainOptions, provider, presignedUploads: 'ciphertext' }
const client: CryptoOSS = new CryptoOSS(options)

/** A function that takes a client of ali-oss accepts the drop-in. */
const asPlain: OSS = client

/** Each method is assignable to that of ali-oss, as its types declare it. */
type Methods = Omit<OSS, never>
const method: <Name extends keyof Methods>(name: Name) => Methods[Name] = (name) => client[name]

export async function held(): Promise<void> {
  void asPlain
  void method

  // The types of ali-oss require or leave out what its code does not.
  await client.put('a', '/file', { meta: { owner: 'ops' } })
  await client.putStream('a', new Blob([]).stream())
  await client.list(null, {})
  await client.getObjectMeta('a', { versionId: 'v' })
  const { tag } = await client.getObjectTagging('a')
  check<Equal<typeof tag, Readonly<Record<string, string>>>>()
  client.useBucket('other')
  client.resetCancelFlag()
  check<
    CryptoOSSOptions extends { sldEnable?: boolean | undefined; retryMax?: number | undefined } ? true : false
  >()

  // Results have their types.
  const { content, res } = await client.get('a', { headers: { Range: 'bytes=0-9' } })
  check<Equal<typeof content, Buffer>>()
  const { content: elsewhere } = await client.get('a', '/file')
  check<Equal<typeof elsewhere, Buffer | undefined>>()
  check<Equal<typeof res.headers, Readonly<Record<string, string>>>>()
  const { stream } = await client.getStream('a')
  check<typeof stream extends Readable ? true : false>()
  check<Equal<typeof stream.statusCode, number>>()
  await client.get('a', '/file', { onPlainObject: 'passthrough' })
  await client.multipartUpload('a', Buffer.alloc(0), {
    progress: (fraction, checkpoint) => {
      check<Equal<typeof fraction, number>>()
      void checkpoint?.uploadId
    },
  })

  // Sealed objects.
  const sealing = new CryptoOSS({ ...plainOptions, provider, accept: 'sealed', context: (name) => name })
  const put = await sealing.put('a', '/file', { context: 'x' })
  check<Equal<typeof put.commitment, string | undefined>>()
  const opened = await sealing.get('a', { context: 'x', expectCommitment: put.commitment })
  check<Equal<typeof opened.sealed, boolean | undefined>>()
  await sealing.multipartUpload('a', '/file', { context: 'x' })
  // @ts-expect-error a format that does not exist
  new CryptoOSS({ ...plainOptions, provider, format: 'gcm' })
  // @ts-expect-error parts of a sealed object are not sent one by one
  await client.initMultipartUpload('a', { dataSize: 1, partSize: 102_400, context: 'x' })

  // A callback with the types of ali-oss, its checkpoint, and the streams of its examples.
  let kept: OSS.Checkpoint | undefined
  const progress = async (fraction: number, checkpoint: OSS.Checkpoint): Promise<void> => {
    void fraction
    kept = checkpoint
  }
  await client.multipartUpload('a', '/file', { progress, checkpoint: kept })
  await client.putStream('a', process.stdin as NodeJS.ReadableStream)
  await client.get('a', process.stdout)

  // The types of refused methods show that they never return.
  const begun = client.initMultipartUpload('a')
  check<Equal<typeof begun, Promise<never>>>()
  const { uploadId } = await client.initMultipartUpload('a', { dataSize: 1, partSize: 102_400 })
  check<Equal<typeof uploadId, string>>()
  const appended = client.append()
  check<Equal<typeof appended, Promise<never>>>()
  const cluster = () => CryptoOSS.ClusterClient
  check<Equal<ReturnType<typeof cluster>, never>>()
  void CryptoOSS.STS

  // @ts-expect-error a key that is not a provider
  new CryptoOSS({ ...plainOptions, provider: 'key' })
  // @ts-expect-error an unknown opt-in
  new CryptoOSS({ ...plainOptions, provider, presignedUploads: true })
  // @ts-expect-error a part without its position in the file
  await client.uploadPart('a', uploadId, 1, Buffer.alloc(0))
  // @ts-expect-error a version id that is not a string
  await client.head('a', { versionId: 5 })
  // @ts-expect-error a path is for put
  await client.putStream('a', '/file')
}
