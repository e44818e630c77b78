const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** A number of bytes as people read it: `1.5 MiB`. */
export function formatBytes(sizeBytes) {
  const power = sizeBytes === 0 ? 0 : Math.min(Math.floor(Math.log2(sizeBytes) / 10), UNITS.length - 1)
  const value = sizeBytes / 1024 ** power
  return `${value.toLocaleString(undefined, { maximumFractionDigits: power === 0 ? 0 : 1 })} ${UNITS[power]}`
}

/** A time as people read it, in the language of the browser. */
export function formatTime(time) {
  return new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
}

/** Bytes as a hex dump: 16 bytes a line, with the text beside them. */
export function hexDump(bytes) {
  const lines = []
  for (let offset = 0; offset < bytes.length; offset += 16) {
    const line = [...bytes.subarray(offset, offset + 16)]
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('')
    lines.push(`${offset.toString(16).padStart(4, '0')}  ${hex.padEnd(47)}  ${text}`)
  }
  return lines.join('\n')
}
