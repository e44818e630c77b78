import type { ContentFormat } from '@oss-cse/crypto-core'
import { plaintextIn, SegmentPlan } from '@oss-cse/crypto-core/internal'

/** How the lengths of plaintext and stored bytes correspond in a format. */
interface ContentLengths {
  /** The stored length of an object of that length. */
  stored(sizeBytes: number): number
  /** The number of bytes of plaintext in the first stored bytes of an object. */
  plaintext(storedBytes: number): number
}

export const CONTENT_LENGTHS: Readonly<Record<ContentFormat, ContentLengths>> = {
  'aes-ctr': { stored: (sizeBytes) => sizeBytes, plaintext: (storedBytes) => storedBytes },
  sealed: { stored: (sizeBytes) => new SegmentPlan(sizeBytes).storedBytes, plaintext: plaintextIn },
}
