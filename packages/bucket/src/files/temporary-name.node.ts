/** The name of a temporary file: hidden, and unlike the name of any other file. */
export function temporaryName(name: string): string {
  return `.oss-cse-${name}.part`
}

/** Names with a random UUID: no later run looks for such a file. */
export const UNNAMED: RegExp =
  /^\.oss-cse-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.part$/

/** Names with a digest: a later run of the same transfer finds such a file, and resumes. */
export const RESUMABLE: RegExp = /^\.oss-cse-[0-9a-f]{32}\.part$/
