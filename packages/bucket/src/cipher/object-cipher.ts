import type {
  ByteChunks,
  ContentKey,
  Envelope,
  EnvelopeExtras,
  ObjectBody,
  ObjectReference,
  PartRange,
  PutObjectResponse,
  WorkerSide,
} from '@oss-cse/crypto-core'
import { freeBytes, type RunWatch, startCipherRun } from '@oss-cse/crypto-core/internal'
import type { FileWorkers, ReadContext } from '../policy/bucket-context.ts'
import type { RangeBody } from '../requests/requestable-range.ts'
import { type ByteSource, sourceCheck } from '../source/byte-source.ts'
import {
  digestPart,
  type EncryptedPart,
  encryptPartInMemory,
  encryptPartTwice,
  type PartDigest,
} from './encrypted-part.ts'
import type { FileRuns, SendFileOptions } from './file-runs.ts'
import { RuntimeWorkers } from './file-workers.ts'
import { keyWiped } from './key-wiped.ts'
import { type LocalWrap, unwrapLocally, wrapLocally } from './local-wrap.ts'
import { PartEncrypter } from './part-encrypter.ts'
import { type RunTarget, type WrittenListener, writeInto } from './run-target.ts'
import { forObject, type UnwrapOptions, unwrapKey, wipeKey } from './unwrap-key.ts'

/** What watches a pass: see `RunWatch`. */
type PassWatch = Pick<RunWatch, 'signal' | 'onReturned' | 'onEnd' | 'onClose'>

/** The transformed bytes of a pass. */
type PassBytes = AsyncGenerator<Uint8Array, void, undefined> & ByteChunks

/** A stream of bytes that passes through the cipher. */
export interface CipherPass {
  /**
   * The transformed bytes. They can be read once: a second call throws `ERR_CSE_CIPHER_REUSED`.
   *
   * @param watch - what the reader of the bytes wants to know
   */
  open(watch?: PassWatch): PassBytes
  /** The CRC-64 of the ciphertext, after the last byte was read. */
  crc64(): bigint | undefined
}

/** A run of an object's bytes that is decrypted. */
interface DecryptedRun {
  /** The offset in the object of the first byte of the source. */
  readonly offsetBytes: number
  readonly discardBytes?: number | undefined
  readonly checksum?: boolean | undefined
}

/**
 * Keeps the content key of one object and does all work that needs it. No other code in the bucket sees the key:
 * callers describe where bytes come from and where they go, and get bytes and digests back.
 *
 * A run names its source and its sink, and does not iterate them itself. Both may be open files (`ByteSource.file`,
 * `RunTarget.file`), which a worker reads or writes directly if the runtime has one.
 */
export interface ObjectCipher {
  /** Whether the key was wiped. */
  readonly closed: boolean
  /** Encrypts a whole object into a stream. The pass still works after the key is wiped. */
  encrypt(source: ByteSource): CipherPass
  /** Whether a worker may be able to send a whole object from its file. */
  canSend(source: ByteSource): boolean
  /**
   * Encrypts a whole object from its file and sends it, in a worker.
   *
   * @returns `undefined` if no worker can
   * @throws CseError `ERR_CSE_SOURCE` when the file fails or does not have the announced length; `ERR_CSE_THREAD` when the
   * worker is lost; what the source's `watch` and the request throw
   */
  send(source: ByteSource, side: WorkerSide, options: SendFileOptions): Promise<PutObjectResponse | undefined>
  /**
   * Decrypts a run into a stream. The bytes of a plain object pass unchanged. The pass still works after the key is
   * wiped.
   *
   * @param run - `discardBytes` are the first bytes of the run, which are not returned; `checksum: false` skips the
   * CRC-64
   */
  decrypt(source: ObjectBody, run: DecryptedRun): CipherPass
  /**
   * Decrypts a run into a target.
   *
   * @param source - the ciphertext. It is opened again if the worker that decrypts is lost, or never if a worker requests
   * it
   * @returns the CRC-64 of the ciphertext
   * @throws CseError `ERR_CSE_THREAD` when a second worker is lost too; what source and target throw
   */
  decryptInto(
    source: RangeBody,
    target: RunTarget,
    run: { readonly offsetBytes: number; readonly onWritten: WrittenListener },
  ): Promise<bigint>
  /**
   * Encrypts one part. The part is held in memory while all unreleased parts together are at most 64 MiB. A further
   * part is read twice instead, if its source can be opened again, and is compared while it is sent.
   *
   * @param options - `sends`: whether the part should be able to send itself, where a worker can
   * @throws CseError `ERR_CSE_SOURCE` when the source fails or does not have the part's length; `ERR_CSE_THREAD`
   */
  encryptPart(
    source: ByteSource,
    range: PartRange,
    options: { readonly sends: boolean },
  ): Promise<EncryptedPart>
  /** The digests of a part's ciphertext, which is not kept. Throws as `encryptPart`. */
  digestPart(source: ByteSource, range: PartRange): Promise<PartDigest>
  /**
   * Wraps the key under the local key of a checkpoint.
   *
   * @param boundTo - what the key belongs to, see `unwrapLocalCipher`
   */
  wrapLocally(localKey: CryptoKey, boundTo: Uint8Array<ArrayBuffer>): Promise<string>
  /** The CRC-64 of the ciphertext that a run of plaintext has in this object. */
  ciphertextCrc64(plaintext: ObjectBody, offsetBytes: number): Promise<bigint>
  /** Wipes the key. Can be called repeatedly. */
  close(): void
}

/**
 * Makes a new content key, wrapped for an object's envelope.
 *
 * @throws CseError what the keyring and its provider throw, with the object's key; the signal's reason at once
 */
export async function generateCipher(
  { keyring, fileWorkers }: ReadContext,
  object: ObjectReference,
  extras: EnvelopeExtras,
  signal: AbortSignal | undefined,
): Promise<{ readonly cipher: ObjectCipher; readonly envelope: Envelope }> {
  const { contentKey, envelope } = await forObject(object.key, signal, () =>
    keyring.generate(extras, { signal, object }),
  )
  return { cipher: new KeyCustodian(contentKey, fileWorkers), envelope }
}

/**
 * Unwraps an object's content key, with retries.
 *
 * @throws CseError as `generateCipher`
 */
export async function unwrapCipher(
  context: ReadContext,
  envelope: Envelope,
  options: UnwrapOptions,
): Promise<ObjectCipher> {
  return new KeyCustodian(await unwrapKey(context, envelope, options), context.fileWorkers)
}

/**
 * Unwraps a content key that `wrapLocally` wrapped.
 *
 * @throws CseError `ERR_CSE_UNWRAP_FAILED` when anything is not as it was then
 */
export async function unwrapLocalCipher(
  { fileWorkers }: ReadContext,
  local: LocalWrap,
): Promise<ObjectCipher> {
  return new KeyCustodian(await unwrapLocally(local), fileWorkers)
}

/** A cipher that leaves the bytes of an unencrypted object unchanged, and computes the same checksums. */
export function plainCipher(): ObjectCipher {
  return new KeyCustodian(undefined)
}

class KeyCustodian implements ObjectCipher {
  readonly #contentKey: ContentKey | undefined
  readonly #fileWorkers: FileWorkers | undefined
  #boundRuns: FileRuns | undefined
  readonly #parts: PartEncrypter
  #closed = false

  constructor(contentKey: ContentKey | undefined, fileWorkers?: FileWorkers) {
    this.#contentKey = contentKey
    this.#fileWorkers = fileWorkers
    const passes = {
      inMemory: (source: ByteSource, range: PartRange) => encryptPartInMemory(source, range, this.#key()),
      twice: (source: ByteSource, range: PartRange) => encryptPartTwice(source, range, () => this.#key()),
      digest: (source: ByteSource, range: PartRange) => digestPart(source, range, this.#key()),
    }
    this.#parts = new PartEncrypter(passes, () => this.#fileRuns)
  }

  get closed(): boolean {
    return this.#closed
  }

  encrypt(source: ByteSource): CipherPass {
    const run = startCipherRun({ direction: 'encrypt', contentKey: this.#key(), offsetBytes: 0, crc64: true })
    return {
      open: (watch) => recyclable(run.transform(source, { ...watch, ...sourceCheck(source) })),
      crc64: () => run.digests().crc64,
    }
  }

  canSend({ file }: ByteSource): boolean {
    return file !== undefined && this.#fileRuns.isLarge(file)
  }

  async send(
    source: ByteSource,
    side: WorkerSide,
    options: SendFileOptions,
  ): Promise<PutObjectResponse | undefined> {
    return this.#fileRuns.send(source, side, options)
  }

  decrypt(source: ObjectBody, { checksum = true, ...range }: DecryptedRun): CipherPass {
    this.#checkOpen()
    const contentKey = this.#contentKey
    const run = startCipherRun({ direction: 'decrypt', contentKey, ...range, crc64: checksum })
    return {
      open(watch) {
        const bytes = run.transform(source, watch)
        // The bytes of a plain object are those of the source.
        return contentKey === undefined ? bytes : recyclable(bytes)
      },
      crc64: () => run.digests().crc64,
    }
  }

  async decryptInto(
    source: RangeBody,
    target: RunTarget,
    { offsetBytes, onWritten }: { readonly offsetBytes: number; readonly onWritten: WrittenListener },
  ): Promise<bigint> {
    if (this.#contentKey !== undefined) {
      const crc64 = await this.#fileRuns.decryptInto(source, target, { offsetBytes, onWritten })
      if (crc64 !== undefined) return crc64
    }
    const pass = this.decrypt(source, { offsetBytes })
    await writeInto(pass.open(), target, offsetBytes, onWritten)
    return known(pass.crc64())
  }

  async encryptPart(
    source: ByteSource,
    range: PartRange,
    options: { readonly sends: boolean },
  ): Promise<EncryptedPart> {
    return this.#parts.encrypt(source, range, options)
  }

  async digestPart(source: ByteSource, range: PartRange): Promise<PartDigest> {
    return this.#parts.digest(source, range)
  }

  async wrapLocally(localKey: CryptoKey, boundTo: Uint8Array<ArrayBuffer>): Promise<string> {
    return wrapLocally(this.#key(), localKey, boundTo)
  }

  async ciphertextCrc64(plaintext: ObjectBody, offsetBytes: number): Promise<bigint> {
    this.#checkOpen()
    const contentKey = this.#contentKey
    const run = startCipherRun({ direction: 'encrypt', contentKey, offsetBytes, crc64: true })
    for await (const _ of run.transform(plaintext));
    return known(run.digests().crc64)
  }

  close(): void {
    this.#closed = true
    if (this.#contentKey !== undefined) wipeKey(this.#contentKey)
  }

  get #fileRuns(): FileRuns {
    this.#boundRuns ??= RuntimeWorkers.runsOf(this.#fileWorkers, () => this.#key())
    return this.#boundRuns
  }

  /** The key, if it is not wiped: ciphertext under a wiped key would look like any other. */
  #key(): ContentKey {
    this.#checkOpen()
    if (this.#contentKey === undefined) throw new TypeError('The object is not encrypted.')
    return this.#contentKey
  }

  #checkOpen(): void {
    if (this.#closed) throw keyWiped()
  }
}

/** The output of the cipher, whose chunks nobody else has. */
function recyclable(bytes: AsyncGenerator<Uint8Array, void, undefined>): PassBytes {
  return Object.assign(bytes, { recycle: freeBytes })
}

function known(crc64: bigint | undefined): bigint {
  if (crc64 === undefined) throw new TypeError('The run was not read to its end.')
  return crc64
}
