import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { unwrapFailed } from '@oss-cse/crypto-core'
import type {
  EncryptionContext,
  KmsClient,
  KmsDecryptRequest,
  KmsEncryptRequest,
  KmsGenerateDataKeyRequest,
} from '../src/kms-client.ts'

/** One call that the fake received. */
export type FakeCall =
  | { readonly operation: 'generateDataKey'; readonly request: KmsGenerateDataKeyRequest }
  | { readonly operation: 'encrypt'; readonly request: KmsEncryptRequest }
  | { readonly operation: 'decrypt'; readonly request: KmsDecryptRequest }

/** A KMS in memory: real AES-256-GCM, blobs in the format of the service, bound contexts, any number of keys. */
export class FakeKms implements KmsClient {
  readonly region = 'cn-hangzhou'
  readonly namesKeys: boolean = true
  readonly calls: FakeCall[] = []
  /** Runs before each call. If it throws, the call throws the same. If it returns a value, that is the response. */
  before: (call: FakeCall, index: number) => unknown = () => undefined
  readonly #keys = new Map<string, Uint8Array>()

  /** The names of the calls so far. */
  get operations(): readonly string[] {
    return this.calls.map(({ operation }) => operation)
  }

  async generateDataKey(request: KmsGenerateDataKeyRequest) {
    return this.#respond({ operation: 'generateDataKey', request }, () => {
      const plaintext = randomBytes(32).toString('base64')
      return { plaintext, ciphertextBlob: this.seal(request, plaintext), keyId: idOf(request.keyId) }
    })
  }

  async encrypt(request: KmsEncryptRequest) {
    return this.#respond({ operation: 'encrypt', request }, () => ({
      ciphertextBlob: this.seal(request, request.plaintext),
      keyId: idOf(request.keyId),
    }))
  }

  async decrypt(request: KmsDecryptRequest) {
    return this.#respond({ operation: 'decrypt', request }, () => this.#open(request))
  }

  /** Encrypts a text with a key. */
  seal(
    {
      keyId,
      encryptionContext,
    }: { readonly keyId: string; readonly encryptionContext?: EncryptionContext | undefined },
    text: string,
  ): string {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key(idOf(keyId)), nonce).setAAD(
      bound(encryptionContext),
    )
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    const head = Buffer.from(idOf(keyId).padEnd(36))
    return Buffer.concat([head, nonce, cipher.getAuthTag(), sealed]).toString('base64')
  }

  #open({ ciphertextBlob, encryptionContext }: KmsDecryptRequest) {
    const blob = Buffer.from(ciphertextBlob, 'base64')
    const keyId = blob.subarray(0, 36).toString('latin1').trim()
    const key = this.#keys.get(keyId)
    if (key === undefined || blob.length < 64) throw unwrapFailed()
    const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(36, 48))
      .setAAD(bound(encryptionContext))
      .setAuthTag(blob.subarray(48, 64))
    try {
      const plaintext = Buffer.concat([decipher.update(blob.subarray(64)), decipher.final()]).toString('utf8')
      return { plaintext, keyId }
    } catch {
      throw unwrapFailed()
    }
  }

  async #respond<Result>(call: FakeCall, respond: () => Result): Promise<Result> {
    this.calls.push(call)
    const replaced = await this.before(call, this.calls.length - 1)
    return replaced === undefined ? respond() : (replaced as Result)
  }

  #key(id: string): Uint8Array {
    const key = this.#keys.get(id) ?? randomBytes(32)
    this.#keys.set(id, key)
    return key
  }
}

function idOf(keyId: string): string {
  return keyId.replace(/^.*(?:key|alias)\//, '')
}

function bound(context: EncryptionContext = {}): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).sort()))
}
