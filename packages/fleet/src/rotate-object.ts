import {
  type CallOptions,
  type ContentFormat,
  CseError,
  contentFormat,
  decodeEnvelope,
  type Envelope,
  type EnvelopeV2,
  encodeEnvelope,
  plaintextLength,
} from '@oss-cse/crypto-core'
import { equalDescriptions, isEmptyDescription } from '@oss-cse/crypto-core/internal'
import { ciphertextContent } from './content/ciphertext-content.ts'
import { encryptedContent } from './content/encrypted-content.ts'
import type { ContentDestination, NewContent } from './content/new-content.ts'
import { type ContentKeys, openCiphertext, openPlaintext } from './content/opened-source.ts'
import { samePlaintext, sameStoredBytes } from './content/same-content.ts'
import { classify } from './objects/classify.ts'
import type { SourceObject } from './objects/source-object.ts'
import { StopRun } from './placement/placement.ts'
import type { ReportRow } from './report/report-row.ts'
import { checkComparable } from './rewrite/checked-target.ts'
import type { Rewriting } from './rewrite/rewrite-object.ts'
import {
  type RewriteObjectOptions,
  type RewriteShardOptions,
  rewriteShard,
  rewriteSingleObject,
} from './rewrite/rewrite-shard.ts'
import type { Shard } from './shard.ts'

/** How objects are rotated. */
export interface RotationOptions {
  /**
   * True: decrypts each object and encrypts it under a fresh content key. Choose it after a key has leaked: anyone who had the old
   * key may know the content keys of all objects. Default false: the content key stays, and is wrapped by the new master key. The
   * ciphertext stays as it is.
   */
  readonly newContentKey?: boolean | undefined
  /** With `newContentKey`: how the content is encrypted. `sealed` also seals what is not. Default: as it is. */
  readonly format?: ContentFormat | undefined
}

/** Options of `rotateObject`. */
export interface RotateObjectOptions extends RewriteObjectOptions, RotationOptions {}

/** Options of `rotateShard`. */
export interface RotateShardOptions extends RewriteShardOptions, RotationOptions {}

/**
 * Moves one object to the encrypting key of the keyring. An object is done when it names that key, so that it can be called
 * again at any time. It keeps no record of what it is about to write: if the process may be killed, use `rotateShard`.
 *
 * @returns the row of the object: `rotated`, `already`, `would-rotate`, `plain`, `link`, `damaged`, `altered`, `appendable`,
 * `retained`, `needs-restore`, `gone` or `failed`; into another bucket also `copied`, `would-copy` or `conflict`
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` and `ERR_CSE_OPERATION_REFUSED` before anything is written, when the keys, the options
 * or the bucket do not fit; `ERR_CSE_NOT_FOUND`; a failure that is not about this object; the signal's reason
 *
 * @example
 * ```ts
 * const keyring = new Keyring({ encrypting: newKey, decrypting: [oldKey] })
 * const row = await rotateObject('report.pdf', { transport, keyring, placement: { mode: 'versioned' } })
 * ```
 */
export function rotateObject(key: string, options: RotateObjectOptions): Promise<ReportRow> {
  return rewriteSingleObject(key, rotation, options)
}

/**
 * Moves the objects of a shard to the encrypting key of the keyring. It can be done again from its start at any time: what is done
 * is recognized, and what an interrupted worker left is put in order.
 *
 * @returns one row for each listed key, in byte order: see `rotateObject`
 * @throws CseError as `rotateObject`, and as `auditShard`
 *
 * @example
 * ```ts
 * const rows = rotateShard(taken.shard, { transport: limited, keyring, placement: { mode: 'versioned' }, intents: store, prefix })
 * await taken.complete(await writePart(store, taken.shard, rows, { attempt: taken.attempt }))
 * ```
 */
export function rotateShard(
  shard: Shard,
  options: RotateShardOptions,
): AsyncGenerator<ReportRow, void, undefined> {
  return rewriteShard(shard, rotation, options)
}

function rotation(options: RotateObjectOptions, destination: ContentDestination): Rewriting {
  const { transport, keyring, context, newContentKey = false, format } = options
  const target = keyring.encrypting
  checkTarget(options)
  if (newContentKey) checkComparable(options)
  const keys: ContentKeys = { keyring, context }
  const prove = provenOnce(keys)
  const formatFor = (envelope: Envelope): ContentFormat =>
    format ?? (newContentKey && keyring.isSealedOnly(target) ? 'sealed' : contentFormat(envelope))
  const isDone = (envelope: Envelope): boolean =>
    equalDescriptions(envelope.materialDescription, target.materialDescription) &&
    envelope.wrapAlgorithm.toLowerCase() === target.wrapAlgorithm.toLowerCase() &&
    contentFormat(envelope) === formatFor(envelope)
  return {
    done: 'rotated',
    would: 'would-rotate',
    judge(source) {
      const { outcome } = classify(source.headers, source.sizeBytes)
      if (outcome !== 'encrypted') return outcome
      return isDone(envelopeOf(source)) ? 'already' : 'rewrite'
    },
    async newContent(source, headers, { signal }): Promise<NewContent> {
      const envelope = envelopeOf(source)
      const { key, sizeBytes: storedBytes } = source
      const open = (call: CallOptions) => openCiphertext(transport, source, keys, call)
      if (isDone(envelope)) {
        return ciphertextContent({ source, envelope, headers, open })
      }
      if (newContentKey) {
        const sealed = contentFormat(envelope) === 'sealed'
        const sizeBytes = sealed ? plaintextLength(storedBytes) : storedBytes
        const openPlain = (call: CallOptions) => openPlaintext(transport, source, keys, call)
        return encryptedContent({ keys, format: formatFor(envelope), headers, sizeBytes, open: openPlain })
      }
      const object = { location: transport.location, key, versionId: source.versionId }
      const rewrapped = await keyring.rewrap(envelope, {
        object,
        targetObject: { location: destination.location, key },
        signal,
      })
      await prove(envelope, rewrapped, { signal })
      return ciphertextContent({
        source,
        envelope: rewrapped,
        envelopeHeaders: encodeEnvelope(rewrapped),
        headers,
        open,
      })
    },
    async sameContent(source, placed) {
      const { outcome } = classify(placed.headers, placed.sizeBytes)
      if (outcome !== 'encrypted' || !isDone(envelopeOf(placed))) return false
      if (sameStoredBytes(source, placed)) return true
      // Objects that are older than the checksum of the service have none.
      const unknown = source.crc64 === undefined && target.canUnwrap !== false
      if (!newContentKey && !unknown) return false
      return samePlaintext({ keys, source, transport, placed, destination })
    },
  }
}

/** Only for objects that were classified as encrypted. */
function envelopeOf({ headers }: SourceObject): Envelope {
  return decodeEnvelope(headers) as Envelope
}

/** @throws CseError `ERR_CSE_INVALID_ARGUMENT`, `ERR_CSE_OPERATION_REFUSED` */
function checkTarget({ keyring, newContentKey = false, format }: RotateObjectOptions): void {
  const target = keyring.encrypting
  const { materialDescription: description, wrapAlgorithm: name } = target
  if (isEmptyDescription(description)) {
    throw invalidOption(
      `The target (${name}) has no material description, so nothing would tell which objects it has. Give it one`,
    )
  }
  const others = keyring.providers.filter((provider) => provider !== target)
  if (others.some((other) => equalDescriptions(other.materialDescription, description))) {
    throw invalidOption(
      `The target (${name}) has the same material description as another key, so nothing would tell which objects are done. Give each key its own`,
    )
  }
  if (format !== undefined && !newContentKey) {
    throw invalidOption(
      'format needs newContentKey: the format can change only if the content is encrypted again',
    )
  }
  if (!newContentKey && typeof target.wrap !== 'function') {
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      `The target (${name}) cannot wrap the content key of an existing object: its provider has no \`wrap\`. Use one that has, or newContentKey.`,
    )
  }
}

/** Proves once that the target reads what it wraps, before the first object is stored. A key that only encrypts cannot. */
function provenOnce({
  keyring,
}: ContentKeys): (old: Envelope, rewrapped: EnvelopeV2, options: CallOptions) => Promise<void> {
  let proven = keyring.encrypting.canUnwrap === false
  return async (old, rewrapped, { signal }) => {
    if (proven) return
    const same = await keyring.holdSameKey(old, rewrapped, { signal }).catch((error: unknown) => {
      if (CseError.isInstance(error) && error.code === 'ERR_CSE_UNWRAP_FAILED') return false
      throw error
    })
    if (!same) {
      throw new StopRun(
        new CseError(
          'ERR_CSE_INVALID_KEY',
          'The target does not read what it wraps: its two halves or its provider do not fit. Nothing was written.',
        ),
      )
    }
    proven = true
  }
}

function invalidOption(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `${why}.`)
}
