// A template and not a library: the smallest that draws without a browser (d3-scale with what it needs) is more code
// than this, and would still leave every element to be written here.

const FONT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"'
const WIDTH = 920
const MARGIN = 24
const HEAD = 64
const PANEL = { width: 424, head: 28, bar: 18, gap: 8, foot: 44 }
const LABEL_WIDTH = 96
/** Of the longest bar: what follows is room for its figure. */
const PLOT_WIDTH = PANEL.width - LABEL_WIDTH - 56

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {number} [value]
 * @property {string} [note] - in place of a bar that there is no value for
 * @property {boolean} [highlighted]
 */

/**
 * Draws groups of horizontal bars on one scale, two groups beside each other.
 *
 * @param {{ title: string, subtitle: string, panels: readonly { title: string, bars: readonly Bar[] }[] }} chart
 * @returns {string} an SVG document
 */
export function barChart({ title, subtitle, panels }) {
  const ticks = ticksFor(Math.max(0, ...panels.flatMap(({ bars }) => bars.map(({ value = 0 }) => value))))
  const longest = Math.max(...panels.map(({ bars }) => bars.length))
  const panelHeight = PANEL.head + longest * (PANEL.bar + PANEL.gap) + PANEL.foot
  const height = HEAD + Math.ceil(panels.length / 2) * panelHeight + MARGIN
  const drawn = panels.map((panel, index) => {
    const x = MARGIN + (index % 2) * (PANEL.width + MARGIN)
    const y = HEAD + Math.floor(index / 2) * panelHeight
    return `<g transform="translate(${x} ${y})">\n${drawPanel(panel, ticks)}\n</g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" ${FONT} font-size="13">`,
    `<title>${escapeXml(title)}</title>`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    text(MARGIN, 28, title, 'font-size="17" font-weight="600" fill="#1f2328"'),
    text(MARGIN, 48, subtitle, 'fill="#59636e"'),
    ...drawn,
    '</svg>\n',
  ].join('\n')
}

function drawPanel({ title, bars }, ticks) {
  const end = ticks.at(-1)
  const at = (value) => round(LABEL_WIDTH + (value / end) * PLOT_WIDTH)
  const bottom = PANEL.head + bars.length * (PANEL.bar + PANEL.gap)
  return [
    text(0, 14, title, 'font-weight="600" fill="#1f2328"'),
    ...ticks.map(
      (tick) =>
        `<path d="M${at(tick)} ${PANEL.head - 4}V${bottom}" stroke="${tick === 0 ? '#59636e' : '#e1e5ea'}"/>`,
    ),
    ...ticks.map((tick) =>
      text(at(tick), bottom + 14, String(tick), 'text-anchor="middle" font-size="11" fill="#59636e"'),
    ),
    ...bars.flatMap(({ label, value, note, highlighted = false }, index) => {
      const top = PANEL.head + index * (PANEL.bar + PANEL.gap)
      const line = top + PANEL.bar - 5
      const weight = highlighted ? ' font-weight="600"' : ''
      const name = text(LABEL_WIDTH - 8, line, label, `text-anchor="end" fill="#1f2328"${weight}`)
      if (value === undefined) {
        return [name, text(LABEL_WIDTH + 6, line, note ?? '', 'font-style="italic" fill="#59636e"')]
      }
      const width = round(at(value) - LABEL_WIDTH)
      return [
        name,
        `<rect x="${LABEL_WIDTH}" y="${top}" width="${width}" height="${PANEL.bar}" fill="${highlighted ? '#0969da' : '#9aa7b5'}"/>`,
        text(LABEL_WIDTH + width + 6, line, value.toFixed(0), `fill="#1f2328"${weight}`),
      ]
    }),
  ].join('\n')
}

/** From nought to beyond the greatest value, four or five round steps. */
function ticksFor(greatest) {
  const rough = greatest / 4 || 1
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough)
  return Array.from({ length: Math.ceil(greatest / step) + 1 }, (_, index) => index * step)
}

const round = (value) => Math.round(value * 10) / 10

function text(x, y, content, attributes) {
  return `<text x="${round(x)}" y="${y}" ${attributes}>${escapeXml(content)}</text>`
}

function escapeXml(content) {
  return content.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
