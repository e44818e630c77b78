import { type CallOptions, type ContentFormat, decodeEnvelope } from '@oss-cse/crypto-core'
import { ciphertextContent } from './content/ciphertext-content.ts'
import { encryptedContent } from './content/encrypted-content.ts'
import type { ContentDestination } from './content/new-content.ts'
import { bucketOf, type ContentKeys, openCiphertext, openPlaintext } from './content/opened-source.ts'
import { samePlaintext, sameStoredBytes } from './content/same-content.ts'
import { classify } from './objects/classify.ts'
import { wrappedCekOf } from './objects/source-object.ts'
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

/** How objects are migrated. */
export interface MigrationOptions {
  /** How the content is encrypted. Default: `sealed` if the encrypting key is sealed-only, else `aes-ctr`. */
  readonly format?: ContentFormat | undefined
}

/** Options of `migrateObject`. */
export interface MigrateObjectOptions extends RewriteObjectOptions, MigrationOptions {}

/** Options of `migrateShard`. */
export interface MigrateShardOptions extends RewriteShardOptions, MigrationOptions {}

/**
 * Encrypts one plain object. Its bytes are compared with the CRC-64 and the MD5 of the service on their way. What is encrypted
 * already, under any key, is not written, and neither is what is damaged.
 *
 * In a bucket that keeps versions, the plain content stays in an older version until you delete that. It keeps no record of what
 * it is about to write: if the process may be killed, use `migrateShard`.
 *
 * @returns the row of the object: `migrated`, `already`, `would-migrate`, `link`, `damaged`, `altered`, `appendable`, `retained`,
 * `needs-restore`, `gone` or `failed`; into another bucket also `copied`, `would-copy` or `conflict`
 * @throws CseError as `rotateObject`
 *
 * @example
 * ```ts
 * const row = await migrateObject('report.pdf', { transport, keyring, placement: { mode: 'versioned' } })
 * ```
 */
export function migrateObject(key: string, options: MigrateObjectOptions): Promise<ReportRow> {
  return rewriteSingleObject(key, migration, options)
}

/**
 * Encrypts the plain objects of a shard. It can be done again from its start at any time, as `rotateShard`.
 *
 * @returns one row for each listed key, in byte order: see `migrateObject`
 * @throws CseError as `rotateObject`, and as `auditShard`
 *
 * @example
 * ```ts
 * const placement = { mode: 'into', transport: otherBucket }
 * const rows = migrateShard(taken.shard, { transport: limited, keyring, placement, intents: store, prefix })
 * ```
 */
export function migrateShard(
  shard: Shard,
  options: MigrateShardOptions,
): AsyncGenerator<ReportRow, void, undefined> {
  return rewriteShard(shard, migration, options)
}

function migration(options: MigrateObjectOptions, destination: ContentDestination): Rewriting {
  const { transport, keyring, context } = options
  checkComparable(options)
  const keys: ContentKeys = { keyring, context }
  const { format } = bucketOf(transport, keys, options.format)
  return {
    done: 'migrated',
    would: 'would-migrate',
    judge({ headers, sizeBytes }) {
      const { outcome } = classify(headers, sizeBytes)
      if (outcome === 'plain') return 'rewrite'
      return outcome === 'encrypted' ? 'already' : outcome
    },
    async newContent(source, headers) {
      const envelope = decodeEnvelope(source.headers)
      if (envelope !== undefined) {
        const open = (call: CallOptions) => openCiphertext(transport, source, keys, call)
        return ciphertextContent({ source, envelope, headers, open })
      }
      const open = (call: CallOptions) => openPlaintext(transport, source, keys, call)
      return encryptedContent({ keys, format, headers, sizeBytes: source.sizeBytes, open })
    },
    async sameContent(source, placed) {
      if (classify(placed.headers, placed.sizeBytes).outcome !== 'encrypted') return false
      const wrappedCek = wrappedCekOf(source)
      if (wrappedCek === undefined) return samePlaintext({ keys, source, transport, placed, destination })
      return wrappedCek === wrappedCekOf(placed) && sameStoredBytes(source, placed)
    },
  }
}
