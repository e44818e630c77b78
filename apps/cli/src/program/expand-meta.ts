/**
 * Lets one `--meta` of `put` take several pairs, `--meta a=1 b=2`. Commander's own lists would also take the file that
 * follows. A file whose name looks like a pair must be written as `./a=1`.
 */
export function expandMeta(argv: readonly string[]): string[] {
  if (argv[0] !== 'put') return [...argv]
  const expanded: string[] = []
  let inPairs = false
  for (const [index, argument] of argv.entries()) {
    if (argument === '--') return [...expanded, ...argv.slice(index)]
    const isPair = /^[A-Za-z0-9-]+=/.test(argument) && !argument.startsWith('-')
    if (inPairs && isPair && argv[index - 1] !== '--meta') expanded.push('--meta')
    inPairs = argument === '--meta' || (inPairs && isPair)
    expanded.push(argument)
  }
  return expanded
}
