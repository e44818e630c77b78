import { X509Certificate } from 'node:crypto'
import { generate } from 'selfsigned'

/** The certificate of a TLS server, its key, and the certificate of its CA. All are PEM. */
export interface TlsIdentity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

const DAY_MS = 86_400_000
const VALID_DAYS = 800

/** Makes a server certificate for this machine and a CA that signs it. The CA's private key is not kept. */
export async function makeTlsIdentity(): Promise<TlsIdentity> {
  const now = Date.now()
  const common = {
    algorithm: 'sha256',
    keySize: 2048,
    // Clients with a slow clock also trust it.
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + VALID_DAYS * DAY_MS),
  }
  const ca = await generate([{ name: 'commonName', value: 'oss-cse KMS emulator CA' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const server = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...common,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  return { ca: ca.cert, cert: server.cert, key: server.private }
}

/** Returns whether an identity is still valid in a day. */
export function isValidTomorrow({ ca, cert }: TlsIdentity): boolean {
  const tomorrow = Date.now() + DAY_MS
  return [ca, cert].every((pem) => Date.parse(new X509Certificate(pem).validTo) > tomorrow)
}
