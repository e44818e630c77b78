/** The polynomial of CRC-64/XZ, 0x42F0E1EBA9EA3693, bit-reflected: the lowest bit is the highest power. */
export const POLYNOMIAL = 0xc96c5795d7870f42n
