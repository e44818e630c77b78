/** What the package does not declare itself. */
declare module 'fs-native-extensions' {
  /** Takes an exclusive lock on an open file, until it is closed; false when another open file has it. */
  export function tryLock(fd: number): boolean
}
