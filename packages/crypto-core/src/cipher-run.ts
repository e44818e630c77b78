import { createCrc64 } from '@oss-cse/crc64'
import { ChunkSizer } from './chunks.ts'
import { keystreamAt } from './ctr-cipher.ts'
import { PartDigester } from './part-digester.ts'
import type { ContentKey, ObjectBody } from './ports.ts'
import { RunSource, type RunWatch, startedOnce } from './run-source.ts'

/** Options of a cipher run: one pass over a run of an object's bytes. */
interface CipherRunOptions {
  /** The digests are those of the ciphertext: the output of `encrypt`, and the input of `decrypt`. */
  readonly direction: 'encrypt' | 'decrypt'
  /** Absent for bytes that are not encrypted: they pass unchanged. */
  readonly contentKey: ContentKey | undefined
  /** The offset in the object of the first byte. */
  readonly offsetBytes: number
  /** The number of bytes at the start of the run that are digested but not returned. Default 0. */
  readonly discardBytes?: number | undefined
  /** Whether to compute the CRC-64 of the ciphertext. */
  readonly crc64?: boolean | undefined
  /** Whether to compute the digests of the ciphertext's pieces. Only for a run that encrypts one whole part. */
  readonly pieceDigests?: boolean | undefined
}

/** The requested digests of a run's ciphertext. */
interface CipherDigests {
  readonly crc64?: bigint
  /** 16 bytes for each MiB that was begun, one after another. */
  readonly pieceDigests?: Uint8Array
}

/** Encrypts or decrypts one stream of bytes, and computes digests of the ciphertext. */
interface CipherRun {
  /**
   * Returns the transformed bytes: pulls a chunk of the source, passes it through the cipher and the digests in one
   * step, and returns the result. Small chunks are joined, and large ones cut. Ciphertext that is decrypted is given
   * back to the source (`ByteChunks.recycle`).
   *
   * @throws CseError `ERR_CSE_CIPHER_REUSED` on a second call
   */
  transform(source: ObjectBody, watch?: RunWatch): AsyncGenerator<Uint8Array, void, undefined>
  /** Returns the digests, after the last byte was read. */
  digests(): CipherDigests
}

/**
 * Starts a run.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the key or the offset is not valid.
 */
export function startCipherRun(options: CipherRunOptions): CipherRun {
  const { direction, contentKey, offsetBytes, discardBytes = 0 } = options
  // Both start at once, because the caller may wipe its copy of the key.
  const started = contentKey && keystreamAt(contentKey, offsetBytes)
  const digester = contentKey && options.pieceDigests ? new PartDigester(contentKey, offsetBytes) : undefined
  let digests: CipherDigests = {}

  async function* run(body: ObjectBody, watch: RunWatch): AsyncGenerator<Uint8Array, void, undefined> {
    const { signal } = watch
    const source = new RunSource(body, watch)
    const crc = options.crc64 ? createCrc64() : undefined
    const keystream = started?.keystream
    // Plain bytes are passed on as they are: pieces of one buffer would all be gone when the reader detaches the first.
    const sizer = new ChunkSizer(keystream === undefined ? { maxBytes: Infinity } : { reuse: true })
    let discard = discardBytes
    const transformed = (chunk: Uint8Array): Uint8Array | Promise<Uint8Array> => {
      if (direction === 'decrypt') crc?.update(chunk)
      const result = keystream === undefined ? plainArray(chunk) : keystream.update(chunk)
      return result instanceof Promise ? result.then(wanted) : wanted(result)
    }
    const wanted = (bytes: Uint8Array): Uint8Array => {
      if (direction === 'encrypt') crc?.update(bytes)
      if (discard === 0) return bytes
      const rest = bytes.subarray(discard)
      discard -= bytes.length - rest.length
      return rest
    }
    try {
      if (started !== undefined && started.skipBytes > 0) {
        await started.keystream.update(new Uint8Array(started.skipBytes))
      }
      for (let ended = false; !ended; ) {
        const chunk = await source.next()
        ended = chunk === undefined
        for (const piece of chunk === undefined ? sizer.end() : sizer.push(chunk)) {
          const result = transformed(piece)
          const bytes = result instanceof Promise ? await result : result
          // Not afterwards: the reader may have freed the bytes by then.
          const { length } = bytes
          if (length === 0) continue
          const digested = digester?.update(bytes)
          if (digested !== undefined) await digested
          signal?.throwIfAborted()
          yield bytes
          watch.onReturned?.(length)
        }
        // Plain bytes are passed on as they are, so the caller may still have them.
        if (chunk !== undefined && direction === 'decrypt' && keystream !== undefined) source.recycle(chunk)
      }
      digests = {
        ...(crc && { crc64: crc.value() }),
        ...(digester && { pieceDigests: await digester.digests() }),
      }
      watch.onEnd?.()
    } finally {
      keystream?.dispose()
      digester?.dispose()
      watch.onClose?.()
      await source.close()
    }
  }
  return {
    transform: startedOnce(run),
    digests: () => digests,
  }
}

/** Converts Node.js Buffers, which a transport may return. A caller is promised plain Uint8Arrays. */
function plainArray({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
