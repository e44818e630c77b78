import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { EnvelopeV2 } from '@oss-cse/crypto-core'

/** The committed vector: a throw-away key, and one small object encrypted under it. Binary fields are base64. */
export interface RsaVector {
  readonly privateKeyPem: string
  readonly publicKeyPem: string
  readonly wrapAlgorithm: string
  readonly cekAlgorithm: string
  readonly cek: string
  readonly iv: string
  readonly wrappedCek: string
  readonly wrappedIv: string
  readonly plaintext: string
  readonly ciphertext: string
}

export const vector: RsaVector = JSON.parse(
  readFileSync(new URL('../vectors/rsa.json', import.meta.url), 'utf8'),
)

/** A test certificate for the vector's key, made with `openssl req -new -x509`: it protects nothing. */
export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIDLzCCAhegAwIBAgIURMf/Umua3pJxSTvClfIbc2pLzh4wDQYJKoZIhvcNAQEL
BQAwJjEkMCIGA1UEAwwbb3NzLWNzZSB0aHJvdy1hd2F5IHRlc3Qga2V5MCAXDTI2
MTEyMzA5MDkwOVoYDzIxMjYxMDMwMDkwOTA5WjAmMSQwIgYDVQQDDBtvc3MtY3Nl
IHRocm93LWF3YXkgdGVzdCBrZXkwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEK
AoIBAQCq/6HhFY7Dr+gAFQ2/qJ0LkVRTrAS91SVauaK/t3XJmmuiJwWP32ZXPQIA
BCD3iP1iiYtrzFg7NbMCGx5yEN6sDsj6KeyizwFEfjiyICy6+0VzLPUhOo3ZaUSi
1hDUYG22Hj03Xwz0T6CSf410L3sJ9eNU4G3O87hAxv6zT8hnMqDZW0YOfI2m0M0d
ZY+mGJvf6v/Wj6n9elt98hPJ/f8xr1HxQL8OjQKycXFQUXCfG2ogrctWCMobAFmr
8bGWql//VlxGHlclLqdyQ3HARmM1CbYMqlG51JSrMBSO8h2EUyO9fXrHqotSj6vV
aNsRZGXlcQwCtmIJACLQeZeqAPlNAgMBAAGjUzBRMB0GA1UdDgQWBBSRXf0LF8/N
jqtHHqEV1mz6hIHiCDAfBgNVHSMEGDAWgBSRXf0LF8/NjqtHHqEV1mz6hIHiCDAP
BgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQBqHXawdiwKF4VuAYeF
zTE5oFGTiov6437kZvuD7DzayARLDuG97747OiO6Z+rnPnkRTIjJKOf5dsFmANvA
CBldFj4cCyLCK7buauX0vpRcjlvG5LEj2FPnmj+Zl5c9eE/03GeWZ3RxwIxQZ3Zv
w2RKIYGgZQvFzYdwJMcjw1tnS+tbBGMb1OoDI7Ib7iDwpfRTiUlvVvltNlmjvDK8
BYPz5EO3u8zY7p5MSy2M+tX6M7n/YE7TccD4t2iWxqMln3qJE7KioB0PBb/LN14x
ylCnTw5EZb13JpFoDIorbdpXyuxThbQ/ie7z1pNZknh6OoFBXi5crQwC1qGBWwZz
Dqds
-----END CERTIFICATE-----
`

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export function makeRsaKeys(modulusLength: number): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength })
}

export function privatePem(key: KeyObject, type: 'pkcs1' | 'pkcs8' = 'pkcs8'): string {
  return key.export({ type, format: 'pem' }).toString()
}

export function publicPem(key: KeyObject, type: 'pkcs1' | 'spki' = 'spki'): string {
  return key.export({ type, format: 'pem' }).toString()
}

/** An envelope around two wrapped values, as the codec returns it. */
export function envelope(
  wrappedCek: string,
  wrappedIv: string,
  wrapAlgorithm = vector.wrapAlgorithm,
): EnvelopeV2 {
  return {
    version: 2,
    wrappedCek,
    wrappedIv,
    cekAlgorithm: vector.cekAlgorithm,
    wrapAlgorithm,
    materialDescription: {},
  }
}

/** Returns the error that `action` throws. Fails if it does not throw. */
export function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('It did not throw.')
}
