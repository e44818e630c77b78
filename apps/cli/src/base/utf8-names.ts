import { usageError } from './cli-error.ts'

/** What Node.js puts in place of bytes that are not UTF-8, in arguments, variables, and paths. */
const REPLACEMENT = '\uFFFD'

/** Tells whether a text held bytes that are not UTF-8, and is not what it was any more. */
export function isMangled(text: string): boolean {
  return text.includes(REPLACEMENT)
}

/**
 * Refuses arguments whose bytes were not UTF-8. Two different names would arrive here as one, and one object or file
 * would replace another. Objects whose keys really hold U+FFFD are reached by a prefix.
 *
 * @throws CliError of kind `usage`
 */
export function refuseMangledArguments(argv: readonly string[]): void {
  const mangled = argv.find(isMangled)
  if (mangled === undefined) return
  throw usageError(
    `The name is not valid UTF-8: ${JSON.stringify(mangled)}. Rename the file (\`convmv -f latin1 -t utf8 --notest FILE\` converts a name), or give its content on stdin: \`oss-cse put - oss://BUCKET/KEY < FILE\`.`,
  )
}
