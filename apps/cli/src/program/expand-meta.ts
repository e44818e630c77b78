/**
 * Lets one `--meta` of `put` take several pairs, `--meta a=1 b=2`, without swallowing the file that may come next: as
 * commander's own lists would. A file whose name looks like a pair is written `./a=1`.
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
