import { channel } from 'node:diagnostics_channel'
import { nodeHttp, nodeHttps, nodeTls } from '../node-modules.ts'

/** What Node.js reports to tools that watch requests. */
const CHANNELS = ['created', 'start', 'error'].map((event) => channel(`http.client.request.${event}`))
CHANNELS.push(channel('http.client.response.finish'))
/** A function that decides how requests travel, and its text in Node.js 20 to 26, without white space. */
type Known = readonly [find: () => object, text: RegExp]

const NET_CONNECT =
  /^functionconnect\(\.\.\.args\)\{constnormalized=normalizeArgs\(args\);.*returnsocket\.connect\(normalized\);\}$/
/** In Node.js 20, it is the function of node:net. */
const HTTP_CONNECTION = new RegExp(
  `${NET_CONNECT.source}|^functioncreateConnection\\(\\.\\.\\.args\\)\\{constnormalized=net\\._normalizeArgs\\(args\\);.*\\}$`,
)
const HTTPS_CONNECTION =
  /^functioncreateConnection\((?:port,host,options|\.\.\.args)\)\{.*this\._evictSession\(options\._agentKey\);\}\);\}returnsocket;\}$/
const TLS_CONNECT =
  /^functionconnect\(\.\.\.args\)\{args=normalizeConnectArgs\(args\);.*tlssock\.prependListener\('end',onConnectEnd\);returntlssock;\}$/
const HTTP_REQUEST = /^functionrequest\(url,options,cb\)\{returnnewClientRequest\(url,options,cb\);\}$/
const HTTPS_REQUEST =
  /^functionrequest\(\.\.\.args\)\{letoptions=\{\};.*options\._defaultAgent=module\.exports\.globalAgent;ArrayPrototypeUnshift\(args,options\);returnReflectConstruct\(ClientRequest,args\);\}$/

const PLAIN: readonly Known[] = [
  [() => nodeHttp().request, HTTP_REQUEST],
  [() => nodeHttp().Agent.prototype.createConnection, HTTP_CONNECTION],
  [() => process.getBuiltinModule('node:net').connect, NET_CONNECT],
  [() => process.getBuiltinModule('node:net').createConnection, NET_CONNECT],
]
const SECURE: readonly Known[] = [
  [() => nodeHttps().request, HTTPS_REQUEST],
  [() => nodeHttps().Agent.prototype.createConnection, HTTPS_CONNECTION],
  [() => nodeTls().connect, TLS_CONNECT],
]
/** The functions that were found to be those of Node.js. */
const originals = new WeakSet<object>()

/**
 * Returns whether a tool of the app watches or replaces the requests of Node.js, or its connections: a tracer, a mock
 * server, a global proxy. A function whose text is unknown counts as replaced.
 */
export function isIntercepted(secure: boolean): boolean {
  if (CHANNELS.some(({ hasSubscribers }) => hasSubscribers)) return true
  return (secure ? SECURE : PLAIN).some(([find, text]) => !isOriginal(find(), text))
}

function isOriginal(found: object, known: RegExp): boolean {
  if (originals.has(found)) return true
  const original = known.test(Function.prototype.toString.call(found).replace(/\s+/g, ''))
  if (original) originals.add(found)
  return original
}
