import type {
  ContentKey,
  Envelope,
  EnvelopeExtras,
  ObjectBody,
  ObjectReference,
  PartRange,
  PutObjectResponse,
  WorkerSide,
} from '@oss-cse/crypto-core'
import {
  DerivedKey,
  encodeHex,
  freeBytes,
  type RunWatch,
  type SealedSlice,
  type Segment,
  type SegmentCipher,
  sealedPartDigest,
  startOpenRun,
  startSealRun,
} from '@oss-cse/crypto-core/internal'
import type { FileWorkers, ReadContext } from '../policy/bucket-context.ts'
import type { RangeBody } from '../requests/requestable-range.ts'
import { type ByteSource, sourceCheck } from '../source/byte-source.ts'
import type { EncryptedPart, PartDigest } from './encrypted-part.ts'
import type { FileRuns, SendFileOptions } from './file-runs.ts'
import { RuntimeWorkers } from './file-workers.ts'
import { keyWiped } from './key-wiped.ts'
import { type LocalWrap, unwrapLocally, wrapLocally } from './local-wrap.ts'
import type { CipherPass } from './object-cipher.ts'
import { PartEncrypter } from './part-encrypter.ts'
import { type RunTarget, type WrittenListener, writeInto } from './run-target.ts'
import { digestSealedPart, sealPartInMemory, sealPartTwice } from './sealed-part.ts'
import { forObject, type UnwrapOptions, unwrapKey, unwrapKeyToOpen, wipeKey } from './unwrap-key.ts'

/** Segments of a sealed object to open, and the plaintext of them that is wanted. */
export type OpenedSegments = Pick<
  SealedSlice,
  'plan' | 'firstSegment' | 'lastSegment' | 'discardBytes' | 'sizeBytes'
> & {
  /** Reads the stored bytes of a segment once more, after it was not authentic. */
  readonly readAgain: (segment: Segment) => Promise<Uint8Array>
}

/** A stream of verified plaintext. */
export interface OpeningPass {
  /** The bytes. They can be read once. */
  open(watch?: RunWatch): AsyncGenerator<Uint8Array, void, undefined>
  /** The digest of the segments that were opened: SHA-256 over their tags, in hex. If it was asked for. */
  digest(): string
}

/** Keeps the content key of one sealed object, seals or opens its segments. No other code in the bucket sees the key. */
export interface SealedCipher {
  /** Whether the key was wiped. */
  readonly closed: boolean
  /** The salt of the object, in base64url: it binds content key and context. */
  readonly commitment: string
  /**
   * Opens segments into a stream of verified plaintext. The stream still works after the key is wiped.
   *
   * @param source - the stored bytes of exactly these segments
   * @throws CseError while it is read: `ERR_CSE_AUTHENTICATION_FAILED`; what the source throws
   */
  open(source: ObjectBody, segments: OpenedSegments, options?: { readonly digest: boolean }): OpeningPass
  /**
   * Opens whole segments into a target.
   *
   * @param source - the stored bytes. A worker may request them itself, and then does not open them
   * @returns the digest of the segments: SHA-256 over their tags, in hex
   * @throws CseError `ERR_CSE_AUTHENTICATION_FAILED`; `ERR_CSE_THREAD` when a second worker is lost too; what source and
   * target throw
   */
  openInto(
    source: RangeBody,
    target: RunTarget,
    segments: OpenedSegments,
    onWritten: WrittenListener,
  ): Promise<string>
  /**
   * The digest that segments have if they hold this plaintext. It shows whether bytes that were opened before are unchanged.
   *
   * @param segments - their plaintext is whole
   */
  digest(
    plaintext: ObjectBody,
    segments: Pick<OpenedSegments, 'plan' | 'firstSegment' | 'lastSegment'>,
  ): Promise<string>
  /** Seals a whole object into a stream. The pass still works after the key is wiped. */
  encrypt(source: ByteSource): CipherPass
  /** Whether a worker may be able to send a whole object from its file. */
  canSend(source: ByteSource): boolean
  /** Seals a whole object from its file and sends it, in a worker. See `ObjectCipher.send`. */
  send(source: ByteSource, side: WorkerSide, options: SendFileOptions): Promise<PutObjectResponse | undefined>
  /** Seals one part, see `ObjectCipher.encryptPart`. */
  encryptPart(
    source: ByteSource,
    range: PartRange,
    options: { readonly sends: boolean },
  ): Promise<EncryptedPart>
  /** The digests of a sealed part, which is not kept. Throws as `encryptPart`. */
  digestPart(source: ByteSource, range: PartRange): Promise<PartDigest>
  /** Wraps the key under the local key of a checkpoint, see `ObjectCipher.wrapLocally`. */
  wrapLocally(localKey: CryptoKey, boundTo: Uint8Array<ArrayBuffer>): Promise<string>
  /** Wipes the key. Can be called repeatedly. */
  close(): void
}

/**
 * Makes a new content key for a sealed object, wrapped for its envelope.
 *
 * @throws CseError as `generateCipher`
 */
export async function generateSealed(
  context: ReadContext,
  object: ObjectReference,
  extras: EnvelopeExtras,
  signal: AbortSignal | undefined,
  sealedContext: Uint8Array,
): Promise<{ readonly cipher: SealedCipher; readonly envelope: Envelope }> {
  const { contentKey, envelope } = await forObject(object.key, signal, () =>
    context.keyring.generate(extras, { signal, object }, 'sealed'),
  )
  return { cipher: await custodian(context, contentKey, sealedContext), envelope }
}

/**
 * Unwraps the content key of a sealed object, with retries, to write further parts of it.
 *
 * @param sealedContext - the context that the object must have been sealed under, see `encodeContext`
 * @throws CseError as `unwrapKey`
 */
export async function unwrapSealed(
  context: ReadContext,
  envelope: Envelope,
  options: UnwrapOptions,
  sealedContext: Uint8Array,
): Promise<SealedCipher> {
  return custodian(context, await unwrapKey(context, envelope, options), sealedContext)
}

/** As `unwrapSealed`, to read the object: a wrong key may then show only in its content, see `Keyring.unwrapToOpen`. */
export async function unwrapSealedToOpen(
  context: ReadContext,
  envelope: Envelope,
  options: UnwrapOptions,
  sealedContext: Uint8Array,
): Promise<SealedCipher> {
  return custodian(context, await unwrapKeyToOpen(context, envelope, options), sealedContext)
}

/** As `unwrapSealed`, for a content key that `wrapLocally` wrapped. See `unwrapLocalCipher`. */
export async function unwrapLocalSealed(
  context: ReadContext,
  local: LocalWrap,
  sealedContext: Uint8Array,
): Promise<SealedCipher> {
  return custodian(context, await unwrapLocally(local), sealedContext)
}

async function custodian(
  { fileWorkers }: ReadContext,
  contentKey: ContentKey,
  sealedContext: Uint8Array,
): Promise<SealedCipher> {
  const derived = await deriveOrWipe(contentKey, sealedContext)
  return new SealedKeyCustodian(contentKey, derived, sealedContext, fileWorkers)
}

/** Derives the key of the segments. If that fails, nobody gets the content key, so that it is wiped here. */
async function deriveOrWipe(contentKey: ContentKey, context: Uint8Array): Promise<DerivedKey> {
  try {
    return await DerivedKey.derive(contentKey, context)
  } catch (error) {
    wipeKey(contentKey)
    throw error
  }
}

class SealedKeyCustodian implements SealedCipher {
  readonly commitment: string
  /** For workers, which derive their own. */
  readonly #contentKey: ContentKey
  readonly #derived: DerivedKey
  readonly #context: Uint8Array
  readonly #parts: PartEncrypter
  readonly #fileWorkers: FileWorkers | undefined
  #boundRuns: FileRuns | undefined
  #closed = false

  constructor(
    contentKey: ContentKey,
    derived: DerivedKey,
    context: Uint8Array,
    fileWorkers: FileWorkers | undefined,
  ) {
    this.#contentKey = contentKey
    this.#derived = derived
    this.#context = context
    this.commitment = derived.commitment
    this.#fileWorkers = fileWorkers
    const part = (range: PartRange) => ({ range, cipher: () => this.#cipher() })
    const passes = {
      inMemory: (source: ByteSource, range: PartRange) => sealPartInMemory(source, part(range)),
      twice: (source: ByteSource, range: PartRange) => sealPartTwice(source, part(range)),
      digest: (source: ByteSource, range: PartRange) => digestSealedPart(source, part(range)),
    }
    this.#parts = new PartEncrypter(passes, () => this.#fileRuns)
  }

  get closed(): boolean {
    return this.#closed
  }

  open(
    source: ObjectBody,
    { sizeBytes: mostBytes, ...segments }: OpenedSegments,
    { digest: tags }: { readonly digest: boolean } = { digest: false },
  ): OpeningPass {
    const run = startOpenRun({ cipher: this.#cipher(), ...segments, mostBytes, tags })
    return {
      open: (watch) => run.transform(source, watch),
      digest: () => encodeHex(sealedPartDigest(run.tags())),
    }
  }

  async openInto(
    source: RangeBody,
    target: RunTarget,
    segments: OpenedSegments,
    onWritten: WrittenListener,
  ): Promise<string> {
    const { plan, firstSegment, lastSegment } = segments
    const { sizeBytes } = plan
    const sealed = { context: this.#context, sizeBytes, firstSegment, lastSegment }
    const digest = await this.#fileRuns.openInto(source, target, sealed, onWritten)
    if (digest !== undefined) return encodeHex(digest)
    const pass = this.open(source, segments, { digest: true })
    await writeInto(pass.open(), target, plan.segment(firstSegment).plaintextOffset, onWritten)
    return pass.digest()
  }

  get #fileRuns(): FileRuns {
    this.#boundRuns ??= RuntimeWorkers.runsOf(this.#fileWorkers, () => this.#key(), this.#context)
    return this.#boundRuns
  }

  encrypt(source: ByteSource): CipherPass {
    const run = startSealRun({ cipher: this.#cipher() })
    let ended = false
    return {
      open(watch = {}) {
        const onEnd = (): void => {
          ended = true
          watch.onEnd?.()
        }
        return Object.assign(run.transform(source, { ...watch, ...sourceCheck(source), onEnd }), {
          recycle: freeBytes,
        })
      },
      crc64: () => (ended ? run.result().crc64 : undefined),
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

  async digest(
    plaintext: ObjectBody,
    { plan, firstSegment, lastSegment }: Pick<OpenedSegments, 'plan' | 'firstSegment' | 'lastSegment'>,
  ): Promise<string> {
    const endsObject = lastSegment === plan.segmentCount - 1
    const run = startSealRun({ cipher: this.#cipher(), firstSegment, endsObject, tags: true })
    // What is computed leaves this function as a digest of tags alone: the bytes may be others than the object's.
    for await (const _ of run.transform(plaintext));
    return encodeHex(sealedPartDigest(run.result().tags))
  }

  close(): void {
    this.#closed = true
    this.#derived.close()
    wipeKey(this.#contentKey)
  }

  #key(): ContentKey {
    this.#checkOpen()
    return this.#contentKey
  }

  /** A cipher for one run. */
  #cipher(): SegmentCipher {
    this.#checkOpen()
    return this.#derived.use()
  }

  #checkOpen(): void {
    if (this.#closed) throw keyWiped()
  }
}
