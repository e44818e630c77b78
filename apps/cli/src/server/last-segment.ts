/** The last segment of an object's key: what stands behind its last slash. */
export function lastSegment(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

/** Tells whether a name means a directory wherever it stands. */
export function isDots(name: string): boolean {
  return name === '.' || name === '..'
}
