import { CryptoBucket } from '@oss-cse/bucket'
import { type Envelope, Keyring } from '@oss-cse/crypto-core'
import { EXPOSED_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import {
  type FaultInjection,
  type OssEmulator,
  type OssEmulatorOptions,
  startOssEmulator,
} from '@oss-cse/oss-emulator'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import { type AuthorizedRequest, type RequestToAuthorize, signRequest } from '@oss-cse/transport-fetch/server'
import type { CorsConfiguration } from '@oss-cse/transport-oss'
import OSS from 'ali-oss'
import type { BrowserCommand } from 'vitest/node'
import { type BundledPages, serveBundledPages } from './bundled-pages.ts'
import { run } from './command-line.ts'
import { keyPair, transportOf } from './emulated-bucket.ts'
import { type RunningKeyServer, startKeyServer, storeEnvelope } from './emulated-key-server.ts'

/** Which headers a page may read: what encrypted objects need, or nothing of the service's. */
type Exposed = 'envelope' | 'nothing'

/** What the rule of an app exposes whose objects have the metadata `a`. */
const EXPOSED = [...EXPOSED_HEADERS, 'x-oss-meta-a']

const services = new Map<Exposed, Promise<OssEmulator>>()

/** The service that the pages of one run share, by what its CORS rule exposes. */
function service(exposed: Exposed): Promise<OssEmulator> {
  const rule = { allowedOrigins: ['*'], ...(exposed === 'nothing' && { exposeHeaders: ['ETag'] }) }
  const running = services.get(exposed) ?? startOssEmulator({ cors: [rule] })
  services.set(exposed, running)
  return running
}

/**
 * Stores an encrypted object, as somebody else than the page does, and signs a URL for the page to read it.
 *
 * @returns the URL
 */
const putObject: BrowserCommand<[key: string, text: string, contentType: string, exposed: Exposed]> = async (
  _context,
  key,
  text,
  contentType,
  exposed,
) => {
  const emulator = await service(exposed)
  const bucket = new CryptoBucket({ transport: transportOf(emulator), provider: createTestProvider() })
  await bucket.put(key, text, { contentType })
  // One URL as long as the object is the same or another: what is asked for twice is asked for by the same name.
  return clientOf(emulator).signatureUrlV4('GET', 3600, {}, key)
}

/** An emulator of its own, as a page sees it. */
export interface PageEmulator {
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

/** Options of an emulator that a page starts. */
export interface PageEmulatorOptions extends Pick<OssEmulatorOptions, 'gzip'> {
  /** What the CORS rule of the bucket exposes. Default: all that pages need, and the metadata `a`. */
  readonly exposeHeaders?: readonly string[]
  /** The methods that the CORS rule allows. Default: all. */
  readonly allowedMethods?: readonly string[]
  /** How far the clock of the server is ahead of that of the page, in milliseconds. */
  readonly clockAheadMs?: number
  /** Valid tokens, which do not expire. */
  readonly tokens?: readonly string[]
}

const emulators = new Map<string, OssEmulator>()

/** Starts an emulator whose bucket `demo` is empty. Ends the one that was started before. */
const startEmulator: BrowserCommand<[options: PageEmulatorOptions]> = async (_context, options) => {
  await endEmulators()
  const { exposeHeaders = EXPOSED, allowedMethods, clockAheadMs = 0, tokens = [], gzip } = options
  const emulator = await startOssEmulator({
    cors: [{ allowedOrigins: ['*'], exposeHeaders, ...(allowedMethods && { allowedMethods }) }],
    clock: () => new Date(Date.now() + clockAheadMs),
    securityTokens: tokens.map((token) => ({ token })),
    ...(gzip && { gzip }),
  })
  emulators.set(emulator.endpoint, emulator)
  const { endpoint, region, accessKeyId, accessKeySecret } = emulator
  return { endpoint, region, bucket: 'demo', accessKeyId, accessKeySecret }
}

/** Signs a request of a page as the server of its app does: only for keys below `users/42/`. */
const signForPage: BrowserCommand<[endpoint: string, request: RequestToAuthorize]> = (
  _context,
  endpoint,
  request,
) => {
  const { region, accessKeyId, accessKeySecret } = emulatorAt(endpoint)
  const operations = ['read', 'put', 'multipart', 'list'] as const
  const policy = { bucket: 'demo', region, endpoint, operations, keyPrefix: 'users/42/' }
  return signRequest(request, { accessKeyId, accessKeySecret }, policy)
}

/** Lets a token expire. */
const expireToken: BrowserCommand<[endpoint: string, token: string]> = async (_context, endpoint, token) =>
  emulatorAt(endpoint).addSecurityToken({ token, expiresAt: new Date(0) })

/** The methods and statuses of the requests so far, without preflights. */
const sentRequests: BrowserCommand<[endpoint: string]> = async (_context, endpoint) =>
  emulatorAt(endpoint)
    .requests.filter(({ method }) => method !== 'OPTIONS')
    .map(({ method, status }) => `${method} ${status}`)

/** Stores an object as it is, and encrypted if `text` is to be. */
const storeObject: BrowserCommand<[endpoint: string, key: string, text: string, encrypted: boolean]> = async (
  _context,
  endpoint,
  key,
  text,
  encrypted,
) => {
  const transport = transportOf(emulatorAt(endpoint))
  if (encrypted) await new CryptoBucket({ transport, provider: createTestProvider() }).put(key, text)
  else await emulatorAt(endpoint).putStoredObject('demo', key, { bytes: Buffer.from(text) })
}

/** Makes the next matching requests to an emulator fail, and no longer those of an earlier fault. */
const injectFault: BrowserCommand<[endpoint: string, fault: FaultInjection]> = async (
  _context,
  endpoint,
  fault,
) => {
  emulatorAt(endpoint).clearFaults()
  emulatorAt(endpoint).injectFault(fault)
}

/** Makes a symbolic link, which no page can. */
const putSymlink: BrowserCommand<[endpoint: string, key: string, targetKey: string]> = async (
  _context,
  endpoint,
  key,
  targetKey,
) => {
  await clientOf(emulatorAt(endpoint)).putSymlink(key, targetKey, {})
}

/** Signs a URL for a GET. */
const signUrl: BrowserCommand<[endpoint: string, key: string]> = async (_context, endpoint, key) =>
  clientOf(emulatorAt(endpoint)).signatureUrlV4('GET', 600, {}, key, [])

/** Runs `oss-cse cors --set` on the bucket of an emulator. */
const setCorsRule: BrowserCommand<[endpoint: string, options: readonly string[]]> = async (
  _context,
  endpoint,
  options,
) => {
  const { buckets, accessKeyId, accessKeySecret } = emulatorAt(endpoint)
  const env = {
    OSS_ENDPOINT: endpoint,
    OSS_ACCESS_KEY_ID: accessKeyId,
    OSS_ACCESS_KEY_SECRET: accessKeySecret,
  }
  const { code, stderr } = await run(['cors', `oss://${buckets[0]}`, ...options, '--set', '--yes'], { env })
  if (code !== 0) throw new Error(`oss-cse cors ended with ${code}: ${stderr}`)
}

/** The CORS rules of the bucket of an emulator. */
const getCors: BrowserCommand<[endpoint: string]> = async (_context, endpoint) =>
  transportOf(emulatorAt(endpoint)).getCors()

/** Replaces the CORS rules of the bucket of an emulator. */
const putCors: BrowserCommand<[endpoint: string, configuration: CorsConfiguration]> = async (
  _context,
  endpoint,
  configuration,
) => transportOf(emulatorAt(endpoint)).putCors(configuration)

function emulatorAt(endpoint: string): OssEmulator {
  const emulator = emulators.get(endpoint)
  if (emulator === undefined) throw new Error('This emulator has ended.')
  return emulator
}

async function endEmulators(): Promise<void> {
  for (const emulator of emulators.values()) await emulator.close()
  emulators.clear()
}

/** A client of the vendor, with the bucket in the path (`sldEnable`) or nowhere (`cname`). */
function clientOf(
  { endpoint, region, accessKeyId, accessKeySecret, buckets }: OssEmulator,
  address: object = { sldEnable: true },
): OSS {
  return new OSS({
    endpoint,
    region: `oss-${region}`,
    accessKeyId,
    accessKeySecret,
    bucket: buckets[0],
    ...address,
  } as OSS.Options)
}

/** What a page knows of a key server. */
interface KeyServerOfPage {
  readonly url: string
  readonly publicKey: string
}

/** The first has the suite's key pair, the other one a pair of its own. */
let keyServers: Promise<readonly (RunningKeyServer & KeyServerOfPage)[]> | undefined

/** Starts two key servers with different RSA keys, for the bucket whose headers pages may read. */
const startKeyServers: BrowserCommand<[]> = async (): Promise<readonly KeyServerOfPage[]> => {
  keyServers ??= service('envelope').then(async (emulator) => {
    const pairs = [keyPair, await generateRsaKeyPair({ bits: 2048 })]
    return Promise.all(
      pairs.map(async (pair) => {
        const keyring = new Keyring({ encrypting: new RsaProvider(pair) })
        const server = await startKeyServer({ keyring, transport: transportOf(emulator) })
        return { ...server, publicKey: pair.publicKey }
      }),
    )
  })
  return (await keyServers).map(({ url, publicKey }) => ({ url, publicKey }))
}

/** Stores an object that has nothing but an envelope. Returns its key. */
const storeUnder: BrowserCommand<[envelope: Envelope]> = async (_context, envelope) =>
  storeEnvelope(transportOf(await service('envelope')), envelope)

/** Stores an object under the suite's key pair, and signs a URL whose path is its key. */
const putUnderRsa: BrowserCommand<[key: string, text: string]> = async (_context, key, text) => {
  const emulator = await service('envelope')
  const bucket = new CryptoBucket({ transport: transportOf(emulator), provider: new RsaProvider(keyPair) })
  await bucket.put(key, text)
  return clientOf(emulator, { cname: true }).signatureUrlV4('GET', 3600, {}, key)
}

let bundled: Promise<BundledPages> | undefined

/** Builds pages with bundlers, and serves them. Returns their addresses, by the names of the bundlers. */
const bundledPages: BrowserCommand<[]> = async () => {
  bundled ??= serveBundledPages()
  return (await bundled).urls
}

/** What a page can have done in Node.js. */
export const commands = {
  bundledPages,
  putObject,
  putUnderRsa,
  startKeyServers,
  storeUnder,
  startEmulator,
  signForPage,
  expireToken,
  sentRequests,
  storeObject,
  injectFault,
  putSymlink,
  signUrl,
  setCorsRule,
  getCors,
  putCors,
}

/** Ends what the pages used. */
export async function endServices(): Promise<void> {
  for (const server of (await keyServers) ?? []) await server.close()
  keyServers = undefined
  await (await bundled)?.close()
  bundled = undefined
  for (const running of services.values()) await (await running).close()
  services.clear()
  await endEmulators()
}

declare module 'vitest/browser' {
  interface BrowserCommands {
    bundledPages(): Promise<Readonly<Record<string, string>>>
    putObject(key: string, text: string, contentType: string, exposed: Exposed): Promise<string>
    startEmulator(options: PageEmulatorOptions): Promise<PageEmulator>
    signForPage(endpoint: string, request: RequestToAuthorize): Promise<AuthorizedRequest>
    expireToken(endpoint: string, token: string): Promise<void>
    sentRequests(endpoint: string): Promise<readonly string[]>
    storeObject(endpoint: string, key: string, text: string, encrypted: boolean): Promise<void>
    injectFault(endpoint: string, fault: FaultInjection): Promise<void>
    putSymlink(endpoint: string, key: string, targetKey: string): Promise<void>
    signUrl(endpoint: string, key: string): Promise<string>
    putUnderRsa(key: string, text: string): Promise<string>
    startKeyServers(): Promise<readonly KeyServerOfPage[]>
    storeUnder(envelope: Envelope): Promise<string>
    setCorsRule(endpoint: string, options: readonly string[]): Promise<void>
    getCors(endpoint: string): Promise<CorsConfiguration>
    putCors(endpoint: string, configuration: CorsConfiguration): Promise<void>
  }
}
