import OSS from 'ali-oss'

/** What ali-oss 6.23 lib/client.js keeps in a client, and its types leave out. */
export interface AliOssInternals {
  readonly options: AliOssState
  readonly ctx: unknown
  readonly urllib: unknown
  readonly agent: unknown
  readonly httpsAgent: unknown
  stsTokenFreshTime: unknown
  parseXML(document: Buffer): Promise<unknown>
  _objectName(name: string): string
  _objectUrl(name: string): string
}

/** The options of a client as ali-oss completed them. Its requests read them anew each time. */
interface AliOssState {
  readonly bucket: string | null
  /** In milliseconds, or a text such as `60s` that an app set later. */
  readonly timeout: number | string
  cancelFlag?: boolean
}

/** The client's own side of itself. */
export function internalsOf(client: OSS): AliOssInternals {
  return client as unknown as AliOssInternals
}

/**
 * A plain client with the credentials, the address and the agents of `client` as they are and as they become, in one
 * bucket: a call that is under way stays in the bucket that it began in.
 */
export function plainClient(client: OSS, bucket: string): OSS {
  const { ctx } = internalsOf(client)
  // ali-oss takes options that it completed before as they are: lib/client.js `Client`.
  const AliOss = OSS as unknown as new (options: AliOssState, ctx: unknown) => OSS
  return Object.defineProperties(new AliOss(optionsIn(client, bucket), ctx), sharedState(client))
}

/** The client itself, its own methods included, in one bucket. */
export function viewIn<Client extends OSS>(client: Client, bucket: string): Client {
  return Object.create(client, {
    options: { value: optionsIn(client, bucket) },
    ...sharedState(client),
  }) as Client
}

function optionsIn(client: OSS, bucket: string): AliOssState {
  return new Proxy(internalsOf(client).options, {
    get: (given, name) => (name === 'bucket' ? bucket : Reflect.get(given, name)),
  })
}

/** What another client shares with `client`. */
function sharedState(client: OSS): PropertyDescriptorMap {
  const state = internalsOf(client)
  return {
    // An app may give a client other agents after it was made.
    agent: { get: () => state.agent },
    httpsAgent: { get: () => state.httpsAgent },
    stsTokenFreshTime: {
      get: () => state.stsTokenFreshTime,
      set: (time: unknown) => {
        state.stsTokenFreshTime = time
      },
    },
    // An aborted upload takes all others of its client with it: lib/common/multipart.js.
    _stop: { value: () => {} },
  }
}

/** A copy whose nested objects are copies too: ali-oss writes into what it is given. */
export function copyOf<Options extends object>(options: Options | null | undefined): Options {
  const copied = Object.entries(options ?? {}).map(([name, value]) => [
    name,
    value !== null && Object.getPrototypeOf(value) === Object.prototype ? { ...value } : value,
  ])
  return Object.fromEntries(copied)
}
