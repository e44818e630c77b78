import { createHash } from 'node:crypto'
import { nodeHttp, nodeHttps, nodeTls } from './node-modules.ts'

/** Digests of what is too long to be compared again and again: the text of a function, or certificates. */
const digests = new WeakMap<object, string>()

/**
 * Describes the settings of this thread that decide where its connections go and whom they trust: options of the process
 * such as `--tls-min-v1.0`, what the app has set by calls, and functions that it has replaced. They hold for one thread
 * alone, so a worker may have others.
 */
export function networkSettings(secure: boolean): string {
  const net = process.getBuiltinModule('node:net')
  const dns = process.getBuiltinModule('node:dns')
  const settings: unknown[] = [
    dns.getDefaultResultOrder(),
    net.getDefaultAutoSelectFamily(),
    net.getDefaultAutoSelectFamilyAttemptTimeout(),
    ...[dns.lookup, net.connect, net.createConnection, net.Socket.prototype.connect].map(textDigestOf),
    textDigestOf(nodeHttp().Agent.prototype.createConnection),
  ]
  if (secure) {
    const tls = nodeTls()
    settings.push(
      tls.DEFAULT_MIN_VERSION,
      tls.DEFAULT_MAX_VERSION,
      tls.DEFAULT_CIPHERS,
      tls.DEFAULT_ECDH_CURVE,
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'],
      // The second and the third decide whom a connection trusts: `tls.connect` calls them as they are then.
      ...[tls.connect, tls.checkServerIdentity, tls.createSecureContext].map(textDigestOf),
      textDigestOf(nodeHttps().Agent.prototype.createConnection),
      // Node.js 20 does not have it, and no way to change them.
      digestOf(tls.getCACertificates?.('default') ?? [], (certificates) => certificates.join()),
    )
  }
  return JSON.stringify(settings)
}

function textDigestOf(replaceable: object): string {
  return digestOf(replaceable, String)
}

function digestOf<Value extends object>(value: Value, textOf: (value: Value) => string): string {
  const known = digests.get(value)
  if (known !== undefined) return known
  const digest = createHash('sha256').update(textOf(value)).digest('base64')
  digests.set(value, digest)
  return digest
}
