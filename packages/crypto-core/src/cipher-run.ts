import { createSha256, type Sha256 } from '@oss-cse/crypto-core/sha256'
import { coalesceChunks } from './chunks.ts'
import { type Crc64, createCrc64 } from './crc64.ts'
import { CtrCipher } from './ctr-cipher.ts'
import type { ContentKey } from './ports.ts'

/** One pass over a run of an object's bytes. */
interface CipherRunOptions {
  /** Which way: the digests are of the ciphertext, which comes out of the one and goes into the other. */
  readonly direction: 'encrypt' | 'decrypt'
  /** Absent for bytes that are not encrypted: they pass as they are. */
  readonly contentKey: ContentKey | undefined
  /** The offset in the object of the first byte. */
  readonly offsetBytes: number
  /** Whether to compute the CRC-64 of the ciphertext. */
  readonly crc64?: boolean | undefined
  /** Whether to compute the SHA-256 of the ciphertext. */
  readonly sha256?: boolean | undefined
}

/** What a run found out about its ciphertext: what it was asked for. */
interface CipherDigests {
  readonly crc64?: bigint
  /** 32 bytes. */
  readonly sha256?: Uint8Array
}

/** Encrypts or decrypts one stream of bytes and digests the ciphertext on the way. */
interface CipherRun {
  /** The transformed bytes. Can be used once. */
  transform(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined>
  /** The digests, once the last byte has come out. */
  digests(): CipherDigests
}

/**
 * Starts a run. Its chunks are joined to what cipher and checksum like best.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the key or the offset is not one.
 */
export function startCipherRun({
  direction,
  contentKey,
  offsetBytes,
  crc64,
  sha256,
}: CipherRunOptions): CipherRun {
  // Made at once: the caller may wipe its copy of the key.
  const cipher = contentKey && new CtrCipher(contentKey, { offsetBytes })
  let digests: CipherDigests = {}
  async function* transform(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const crc = crc64 ? await createCrc64() : undefined
    const sha = sha256 ? await createSha256() : undefined
    const chunks = coalesceChunks(source)
    const digested = (bytes: AsyncIterable<Uint8Array>) => observed(bytes, crc, sha)
    const transformed = (bytes: AsyncIterable<Uint8Array>) => cipher?.transform(bytes) ?? asUint8Arrays(bytes)
    yield* direction === 'encrypt' ? digested(transformed(chunks)) : transformed(digested(chunks))
    digests = { ...(crc && { crc64: crc.value() }), ...(sha && { sha256: sha.digest() }) }
  }
  return { transform, digests: () => digests }
}

async function* observed(
  chunks: AsyncIterable<Uint8Array>,
  crc: Crc64 | undefined,
  sha: Sha256 | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    crc?.update(chunk)
    sha?.update(chunk)
    yield chunk
  }
}

/** A transport may hand out Node.js Buffers, which are not what a caller was promised. */
async function* asUint8Arrays(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { buffer, byteOffset, byteLength } of chunks)
    yield new Uint8Array(buffer, byteOffset, byteLength)
}
