/** The name of a temporary file: hidden, and not one that anybody gives a file. */
export function temporaryName(name: string): string {
  return `.oss-cse-${name}.part`
}

/** The name of a temporary file that no later run looks for: its middle is a random UUID. */
export const UNNAMED: RegExp =
  /^\.oss-cse-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.part$/
