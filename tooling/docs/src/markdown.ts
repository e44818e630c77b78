/** A page without its code: fenced blocks and inline code neither link nor name headings. */
function withoutFences(page: string): string {
  return page.replaceAll(/^(`{3,})[^\n]*\n[\s\S]*?^\1\s*$/gm, '')
}

/** The targets of a page's inline links and of its link definitions. */
export function linkTargets(page: string): readonly string[] {
  const text = withoutFences(page).replaceAll(/`[^`\n]*`/g, '``')
  const inline = Array.from(text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g), (match) => match[1])
  const definitions = Array.from(text.matchAll(/^\[[^\]]+\]:\s*<?(\S+?)>?\s*$/gm), (match) => match[1])
  return [...inline, ...definitions].filter((target) => target !== undefined)
}

/** The anchors of a page: those of its headings, as GitHub makes them, and `<a id="…">`. */
export function pageAnchors(page: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of withoutFences(page).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-')
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  for (const [, id = ''] of withoutFences(page).matchAll(/<a id="([^"]+)">/g)) anchors.add(id)
  return anchors
}

/** What stands under a heading of the second level, up to the next one. */
export function section(page: string, title: string): string {
  const start = page.indexOf(`\n## ${title}\n`)
  if (start === -1) throw new Error(`There is no section "${title}".`)
  const end = page.indexOf('\n## ', start + 1)
  return page.slice(start, end === -1 ? undefined : end)
}

/** The fenced blocks of a page, fences and all. */
export function codeBlocks(page: string): readonly string[] {
  return Array.from(page.matchAll(/^(`{3,})[^\n]*\n[\s\S]*?^\1\s*$/gm), ([block]) => block.trimEnd())
}

/** The tables of a page, each with its rows and cells; the row that only draws a line is left out. */
export function tables(page: string): readonly (readonly (readonly string[])[])[] {
  const found = withoutFences(page).match(/(?:^\|.*\|\n?)+/gm) ?? []
  return found.map((table) =>
    table
      .trim()
      .split('\n')
      .filter((row) => !/^\|[\s|:-]+\|$/.test(row))
      .map((row) =>
        row
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      ),
  )
}
