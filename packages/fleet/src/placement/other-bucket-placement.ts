import {
  type CallOptions,
  CseError,
  type MultipartTransport,
  type ObjectTransport,
  OSS_HEADERS,
  type VersionCatalog,
} from '@oss-cse/crypto-core'
import type { ContentDestination, NewContent } from '../content/new-content.ts'
import { StoredOtherwise } from '../content/stored-otherwise.ts'
import { findSource, type SourceObject, wrappedCekOf } from '../objects/source-object.ts'
import {
  NOTHING_PLACED,
  type Placement,
  type PlaceOptions,
  type PlaceOutcome,
  type SettledKey,
} from './placement.ts'
import { watchedDestination } from './watched-destination.ts'

/** The transport of a bucket that content is copied into. */
export type OtherBucketTransport = ObjectTransport & VersionCatalog & Partial<MultipartTransport>

/**
 * Places content in another bucket, under the same key, and never overwrites anything there. The source is never written. What
 * the other bucket has already is compared.
 */
export class OtherBucketPlacement implements Placement {
  readonly copies = true
  readonly #target: OtherBucketTransport

  constructor(target: OtherBucketTransport) {
    this.#target = target
  }

  get destination(): ContentDestination {
    return this.#target
  }

  async checkBucket({ signal }: CallOptions): Promise<void> {
    const versioning = await this.#target.getVersioning({ signal })
    if (versioning === 'Unversioned') return
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      `The bucket to write into keeps versions (its versioning is ${versioning}), where the service ignores that overwriting is forbidden. Use a bucket that never kept versions.`,
    )
  }

  /** Nothing is ever left behind: what is in the bucket was stored whole, and is compared. */
  async settle(): Promise<SettledKey> {
    return NOTHING_PLACED
  }

  async place(source: SourceObject, content: NewContent, options: PlaceOptions): Promise<PlaceOutcome> {
    const { key } = source
    const { signal, sameContent } = options
    const present = await findSource(this.#target, key, { signal })
    if (present !== undefined) return (await sameContent(source, present)) ? 'already' : 'conflict'
    const sent: string[] = []
    const destination = watchedDestination(this.#target, {
      headers: { [OSS_HEADERS.forbidOverwrite]: 'true' },
      beforeStored: async (wrappedCek) => void sent.push(wrappedCek),
    })
    let crc64: string
    try {
      crc64 = (await content.store(destination, key, { signal })).crc64
    } catch (error) {
      if (!isPresent(error)) throw error
      const stored = await findSource(this.#target, key, { signal })
      if (stored === undefined) throw error
      return (await sameContent(source, stored)) ? 'already' : 'conflict'
    }
    const placed = await findSource(this.#target, key, { signal })
    const wrapped = placed && wrappedCekOf(placed)
    if (wrapped === undefined || !sent.includes(wrapped)) return 'conflict'
    if (placed?.crc64 === crc64) return 'placed'
    // Not removed: nothing tells whether somebody else has replaced it by now. It is a conflict until then.
    throw new StoredOtherwise(key)
  }
}

/** `x-oss-forbid-overwrite` was the reason of a refusal. */
function isPresent(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_PRECONDITION_FAILED'
}
