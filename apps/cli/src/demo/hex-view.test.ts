import { expect, test } from 'vitest'
import { hexRows } from './hex-view.ts'

test('no bytes have no rows', () => {
  expect(hexRows(new Uint8Array())).toEqual([])
})

test('every row shows its offset, the bytes in hex, and those that are printable', () => {
  expect(hexRows(Buffer.from('Hello,\n~\x7f\x1f é'), 8)).toEqual([
    { offset: '0000', hex: '48 65 6c 6c 6f 2c 0a 7e', ascii: 'Hello,.~' },
    { offset: '0008', hex: '7f 1f 20 c3 a9         ', ascii: '.. ..   ' },
  ])
})

test('all rows have the same width, for any number of bytes', () => {
  for (let length = 1; length <= 33; length += 1) {
    const rows = hexRows(new Uint8Array(length), 16)
    expect(rows).toHaveLength(Math.ceil(length / 16))
    for (const { hex, ascii } of rows) expect([hex.length, ascii.length]).toEqual([47, 16])
  }
})
