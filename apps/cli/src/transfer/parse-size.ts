import { InvalidArgumentError } from 'commander'

const SIZE = /^([0-9]+)([kmgt]ib)?$/i
const BYTES: Readonly<Record<string, number>> = {
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
}

/**
 * Parses a length in bytes as the command line takes it: `1048576`, `512KiB`, `10MiB`. Decimal units are refused: `MB`
 * means one thing to some and another to others.
 *
 * @throws InvalidArgumentError
 */
export function parseSize(text: string): number {
  const [, digits = '', unit] = SIZE.exec(text) ?? []
  const bytes = Number(digits) * (unit === undefined ? 1 : (BYTES[unit.toLowerCase()] ?? Number.NaN))
  if (digits !== '' && Number.isSafeInteger(bytes)) return bytes
  throw new InvalidArgumentError('Write a whole number of bytes, KiB, MiB, GiB or TiB, such as 10MiB.')
}
