const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** A number of bytes for a person: `999 B`, `1.5 KiB`, `120 MiB`. */
export function humanSize(bytes: number): string {
  let value = bytes
  let unit = 'B'
  for (const next of UNITS) {
    // Not 1024: a value that rounds to four digits is shown in the next unit.
    if (value < 999.5) break
    value /= 1024
    unit = next
  }
  if (unit === 'B') return `${bytes} B`
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`
}

/** A duration for a person: `0:07`, `12:30`, `1:02:03`. */
export function humanDuration(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const pad = (n: number): string => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`
}
