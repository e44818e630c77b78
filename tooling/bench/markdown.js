/**
 * @param {readonly string[]} lines
 * @returns {string} a list
 */
export const list = (lines) => lines.map((line) => `- ${line}`).join('\n')

/**
 * @param {readonly (readonly (string | number)[])[]} lines - the first is the head
 * @returns {string} a table
 */
export function table([head, ...lines]) {
  const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n')
}
