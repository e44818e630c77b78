/** The most bytes that one request stores: an object in one piece, or one part of an upload. */
export const MAX_REQUEST_BYTES: number = 5 * 1024 ** 3

/** The smallest part of an upload, in bytes, but for the last. */
export const MIN_PART_BYTES: number = 100 * 1024

/** The most parts of one upload, which is the largest part number too. */
export const MAX_PARTS = 10_000

/** The most entries of one page of a listing. */
export const MAX_PAGE_ENTRIES = 1000

/** The most objects that one request deletes. */
export const MAX_DELETED_KEYS = 1000
