const MAX_KEY_BYTES = 1023

/**
 * Tells whether a key names the same object to the callback that decides about access and to the bucket. A proxy or an HTTP client may
 * resolve `.` and `..`, and drop a leading slash: the user may then read one object, and its key is that of another.
 */
export function isLiteralKey(key: string): boolean {
  return (
    key !== '' &&
    !/^[/\\]/.test(key) &&
    !/\p{Surrogate}/u.test(key) &&
    !key.split(/[/\\]/).some((segment) => segment === '.' || segment === '..') &&
    new TextEncoder().encode(key).length <= MAX_KEY_BYTES
  )
}
