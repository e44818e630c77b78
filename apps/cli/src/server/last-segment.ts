/** The last segment of an object's key: the part after its last slash. */
export function lastSegment(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

/** Whether a name always means a directory. */
export function isDots(name: string): boolean {
  return name === '.' || name === '..'
}
