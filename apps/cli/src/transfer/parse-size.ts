import { InvalidArgumentError } from 'commander'

const SIZE = /^([0-9]+)([kmgt]ib)?$/i
const BYTES: Readonly<Record<string, number>> = {
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
}

/**
 * Parses a size in bytes: `1048576`, `512KiB`, `10MiB`. Decimal units are refused, because `MB` is ambiguous.
 *
 * @throws InvalidArgumentError
 */
export function parseSize(text: string): number {
  const [, digits = '', unit] = SIZE.exec(text) ?? []
  const bytes = Number(digits) * (unit === undefined ? 1 : (BYTES[unit.toLowerCase()] ?? Number.NaN))
  if (digits !== '' && Number.isSafeInteger(bytes)) return bytes
  throw new InvalidArgumentError('It must be a whole number of bytes, KiB, MiB, GiB or TiB, such as 10MiB.')
}
