/** The maximum number of bytes that one request stores: an object in one piece, or one part of an upload. */
export const MAX_REQUEST_BYTES: number = 5 * 1024 ** 3

/** The minimum size of a part in bytes. The last part may be smaller. */
export const MIN_PART_BYTES: number = 100 * 1024

/** The maximum number of parts of one upload, and so the largest part number. */
export const MAX_PARTS = 10_000

/** The maximum number of entries of one page of a listing. */
export const MAX_PAGE_ENTRIES = 1000

/** The maximum number of objects that one request deletes. */
export const MAX_DELETED_KEYS = 1000

/** The maximum number of CORS rules of a bucket. */
export const MAX_CORS_RULES = 20
