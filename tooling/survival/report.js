/**
 * The outcomes as one table, and what failed below it.
 *
 * @param {readonly import('./index.js').Outcome[]} outcomes
 * @returns {string}
 */
export function formatReport(outcomes) {
  const rows = outcomes.flatMap(({ name, counts, failures, skipped }) => [
    [name, 'failures', String(failures.length)],
    ...Object.entries(counts).map(([what, count]) => ['', what, String(count)]),
    ...(skipped === undefined ? [] : [['', `skipped: ${skipped}`, '']]),
  ])
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)))
  const lines = rows.map(([name, what, count]) =>
    `${name.padEnd(widths[0])}  ${what.padEnd(widths[1])}  ${count.padStart(6)}`.trimEnd(),
  )
  const failed = outcomes.flatMap(({ name, failures }) =>
    failures.map((failure) => `FAILED  ${name}: ${failure}`),
  )
  return [...lines, ...(failed.length > 0 ? ['', ...failed] : [])].join('\n')
}
