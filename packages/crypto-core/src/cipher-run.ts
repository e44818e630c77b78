import { createSha256, type Sha256 } from '@oss-cse/crypto-core/sha256'
import { coalesceChunks } from './chunks.ts'
import { type Crc64, createCrc64 } from './crc64.ts'
import { CtrCipher } from './ctr-cipher.ts'
import type { ContentKey } from './ports.ts'

/** Options of a cipher run: one pass over a run of an object's bytes. */
interface CipherRunOptions {
  /** The digests are those of the ciphertext: the output of `encrypt`, and the input of `decrypt`. */
  readonly direction: 'encrypt' | 'decrypt'
  /** Absent for bytes that are not encrypted: they pass unchanged. */
  readonly contentKey: ContentKey | undefined
  /** The offset in the object of the first byte. */
  readonly offsetBytes: number
  /** Whether to compute the CRC-64 of the ciphertext. */
  readonly crc64?: boolean | undefined
  /** Whether to compute the SHA-256 of the ciphertext. */
  readonly sha256?: boolean | undefined
}

/** The requested digests of a run's ciphertext. */
interface CipherDigests {
  readonly crc64?: bigint
  /** 32 bytes. */
  readonly sha256?: Uint8Array
}

/** Encrypts or decrypts one stream of bytes, and computes digests of the ciphertext. */
interface CipherRun {
  /** Returns the transformed bytes. It can be called once. */
  transform(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined>
  /** Returns the digests, after the last byte was read. */
  digests(): CipherDigests
}

/**
 * Starts a run. It joins small chunks, for the speed of the cipher and the checksum.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the key or the offset is not valid.
 */
export function startCipherRun({
  direction,
  contentKey,
  offsetBytes,
  crc64,
  sha256,
}: CipherRunOptions): CipherRun {
  // The cipher is made at once, because the caller may wipe its copy of the key.
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

/** Converts Node.js Buffers, which a transport may return. A caller is promised plain Uint8Arrays. */
async function* asUint8Arrays(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { buffer, byteOffset, byteLength } of chunks)
    yield new Uint8Array(buffer, byteOffset, byteLength)
}
