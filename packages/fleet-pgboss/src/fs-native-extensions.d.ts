/** The types that the package does not declare itself. */
declare module 'fs-native-extensions' {
  /** Takes an exclusive lock on an open file, until it is closed. Returns false if another open file has the lock. */
  export function tryLock(fd: number): boolean
}
