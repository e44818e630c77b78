import OSS from 'ali-oss'

/** Members of a client (ali-oss 6.23 lib/client.js) that the types of ali-oss omit. */
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
  /** The value of `x-oss-copy-source`: `/BUCKET/NAME`, the name in percent-encoding. */
  _getSourceName(sourceName: string, bucket: string | undefined): string
}

/** The options of a client as ali-oss completed them. Each request reads them again. */
interface AliOssState {
  readonly bucket: string | null
  /** In milliseconds, or a text such as `60s` that an app set later. */
  readonly timeout: number | string
  readonly sldEnable?: boolean
  cancelFlag?: boolean
}

/** Returns the client with its internal members. */
export function internalsOf(client: OSS): AliOssInternals {
  return client as unknown as AliOssInternals
}

/**
 * Makes a plain client in one bucket. It always has the current credentials, address and agents of `client`. A
 * running call stays in the bucket that it started in.
 */
export function plainClient(client: OSS, bucket: string): OSS {
  const { ctx } = internalsOf(client)
  // ali-oss accepts options that it has completed before: lib/client.js `Client`.
  const AliOss = OSS as unknown as new (options: AliOssState, ctx: unknown) => OSS
  return Object.defineProperties(new AliOss(optionsIn(client, bucket), ctx), sharedState(client))
}

/** Returns a view of the client, with its own methods, in one bucket. */
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

/** The state that another client shares with `client`. */
function sharedState(client: OSS): PropertyDescriptorMap {
  const state = internalsOf(client)
  return {
    // An app may set other agents after it made the client.
    agent: { get: () => state.agent },
    httpsAgent: { get: () => state.httpsAgent },
    stsTokenFreshTime: {
      get: () => state.stsTokenFreshTime,
      set: (time: unknown) => {
        state.stsTokenFreshTime = time
      },
    },
    // In ali-oss, an aborted upload stops all others of its client: lib/common/multipart.js.
    _stop: { value: () => {} },
  }
}

/** Copies options with their nested objects, because ali-oss writes into the options that it receives. */
export function copyOf<Options extends object>(options: Options | null | undefined): Options {
  const copied = Object.entries(options ?? {}).map(([name, value]) => [
    name,
    value !== null && Object.getPrototypeOf(value) === Object.prototype ? { ...value } : value,
  ])
  return Object.fromEntries(copied)
}
