import { crc32, deflateSync } from 'node:zlib'

/** An image of one colour. */
export function png(width: number, height: number, colour: readonly [number, number, number]): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  // 8 bits for each of red, green and blue.
  header.set([8, 2], 8)
  const row = [0, ...Array.from({ length: width }, () => colour).flat()]
  const pixels = Buffer.from(Array.from({ length: height }, () => row).flat())
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(pixels)),
    pngChunk('IEND', Buffer.alloc(0)),
  ])
}

function pngChunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), data])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  checksum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, checksum])
}

/** Sound that is not compressed: 44,100 samples a second, of 16 bits, in two channels. */
export function wav(seconds: number): Uint8Array {
  const [rate, channels, sampleBytes] = [44_100, 2, 2]
  const dataBytes = seconds * rate * channels * sampleBytes
  const bytes = Buffer.alloc(44 + dataBytes)
  bytes.write('RIFF', 0)
  bytes.writeUInt32LE(36 + dataBytes, 4)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(channels, 22)
  bytes.writeUInt32LE(rate, 24)
  bytes.writeUInt32LE(rate * channels * sampleBytes, 28)
  bytes.writeUInt16LE(channels * sampleBytes, 32)
  bytes.writeUInt16LE(8 * sampleBytes, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(dataBytes, 40)
  for (let i = 44; i < bytes.length; i++) bytes[i] = (i * 31) & 0x1f
  return bytes
}
