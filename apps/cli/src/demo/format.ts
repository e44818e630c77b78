const SIZE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB'] as const

/** A whole number with thousands separators: `67,108,864`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** A size in the largest unit that leaves at least 1: `900 bytes`, `2.5 KiB`, `64 MiB`. */
export function formatSize(sizeBytes: number): string {
  let value = sizeBytes
  let unit = 0
  while (value >= 1024 && unit < SIZE_UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Number(value.toFixed(1))} ${SIZE_UNITS[unit]}`
}

/** A duration: `4.2 ms`, `420 ms`, `1.23 s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 9.95) return `${durationMs.toFixed(1)} ms`
  if (durationMs < 999.5) return `${durationMs.toFixed(0)} ms`
  return `${(durationMs / 1000).toFixed(2)} s`
}

/** A throughput in millions of bytes per second: `0.4 MB/s`, `210 MB/s`. */
export function formatRate(sizeBytes: number, durationMs: number): string {
  const megabytesPerSecond = sizeBytes / 1000 / Math.max(durationMs, 0.001)
  return `${megabytesPerSecond.toFixed(megabytesPerSecond < 9.95 ? 1 : 0)} MB/s`
}

/** Shortens a long text to its first and last characters. */
export function shorten(text: string, keptCharacters: number): string {
  if (text.length <= keptCharacters * 2 + 1) return text
  return `${text.slice(0, keptCharacters)}…${text.slice(-keptCharacters)}`
}

/** Breaks a text into lines at its spaces. A longer word gets a line of its own. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  lines.push(line)
  return lines
}
