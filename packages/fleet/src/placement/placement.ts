import type { CallOptions, CseError } from '@oss-cse/crypto-core'
import type { ContentDestination, NewContent } from '../content/new-content.ts'
import type { SourceObject } from '../objects/source-object.ts'

/**
 * What became of new content:
 * - `placed`: it is the newest content of the key;
 * - `raced`: somebody else wrote to the key meanwhile. Their content is the newest: judge the key again;
 * - `already`: the key has the same content, written before;
 * - `conflict`: the key has other content, which is not overwritten.
 */
export type PlaceOutcome = 'placed' | 'raced' | 'already' | 'conflict'

/** Options of placing content. */
export interface PlaceOptions extends CallOptions {
  /**
   * Tells whether an object has the content of the source that new content was made of. Called to judge what an interrupted
   * worker left, or what the key has already.
   */
  readonly sameContent: (source: SourceObject, placed: SourceObject) => Promise<boolean>
  /**
   * Tells whether the source still has the ACL and the tags that the content was given. A change of them makes no new version, so
   * it would get lost unnoticed.
   *
   * @param versionId - of the source
   */
  readonly sameSettings: (versionId: string) => Promise<boolean>
}

/** What was found at a key with interrupted writes. */
export interface SettledKey {
  /** The ids of the versions that such writes placed, and that are in order. */
  readonly placed: ReadonlySet<string>
  /** Whether a version was removed, because it hid what somebody else wrote, or was not whole. */
  readonly removed: boolean
}

/** A key without interrupted writes, or without versions. */
export const NOTHING_PLACED: SettledKey = { placed: new Set(), removed: false }

/** How new content gets to a key without overwriting newer content unnoticed. */
export interface Placement {
  /**
   * Whether keys that need no new content are copied all the same, because the placement fills another bucket.
   */
  readonly copies: boolean
  /** The bucket that new content is in. */
  readonly destination: ContentDestination
  /**
   * Checks that the bucket is one that this placement is for.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED`
   */
  checkBucket(options: CallOptions): Promise<void>
  /**
   * Puts in order what interrupted writes left at a key, by this worker or another one. Sends no request if there are none.
   */
  settle(key: string, options: Pick<PlaceOptions, 'sameContent'>): Promise<SettledKey>
  /** Places content that was made of a state of the object. After an error, `settle` the key. */
  place(source: SourceObject, content: NewContent, options: PlaceOptions): Promise<PlaceOutcome>
}

/** A failure after which nothing more may be written: something is wrong with the bucket, and not with one object. */
export class StopRun extends Error {
  override readonly name = 'StopRun'
  override readonly cause: CseError

  constructor(cause: CseError) {
    super(cause.message)
    this.cause = cause
  }
}
