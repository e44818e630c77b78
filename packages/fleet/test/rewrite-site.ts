import { CryptoBucket } from '@oss-cse/bucket'
import { CseError, type HeaderMap, Keyring, TransportError } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport, type RecordedRequest } from '@oss-cse/crypto-core/testing'
import { MemoryIntentStore } from '../src/placement/intent-store.ts'
import type { ReportRow } from '../src/report/report-row.ts'

export const OLD = createTestProvider({ seed: 1, materialDescription: { key: 'old' } })
export const NEW = createTestProvider({ seed: 2, materialDescription: { key: 'new' } })
/** Retries without waits. */
const AT_ONCE = { maxAttempts: 5, minDelayMs: 0, maxDelayMs: 0 }
export const WHOLE = { index: 0 }

/** A bucket that keeps versions, an application that writes to it under the old key, and a run that moves it to the new one. */
export class RewriteSite {
  readonly transport = new MemoryTransport()
  readonly intents = new MemoryIntentStore()
  /** The application: it writes under the old key, and reads under both. */
  readonly app = new CryptoBucket({
    transport: this.transport,
    keyring: new Keyring({ encrypting: OLD, decrypting: [NEW] }),
    onPlainObject: 'passthrough',
  })
  /** Reads what is under the new key, and nothing else. */
  readonly reader = new CryptoBucket({ transport: this.transport, provider: NEW })
  readonly keyring = new Keyring({ encrypting: NEW, decrypting: [OLD] })

  constructor(versioning: MemoryTransport['versioning'] = 'Enabled') {
    this.transport.versioning = versioning
  }

  /** The options of a worker. */
  options<Transport extends MemoryTransport>(transport = this.transport as Transport) {
    return {
      transport,
      keyring: this.keyring,
      intents: this.intents,
      placement: { mode: 'versioned' as const },
      retry: AT_ONCE,
    }
  }

  /** Stores an object in plaintext. */
  async putPlain(key: string, text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text)
    const body = { sizeBytes: bytes.length, open: () => chunks(bytes) }
    await this.transport.put({ key, headers: {}, body })
  }

  /** What a user reads: the text of an object, or undefined if there is none. */
  async read(key: string, bucket = this.app): Promise<string | undefined> {
    try {
      return new TextDecoder().decode(await bucket.getBytes(key))
    } catch (error) {
      if (CseError.isInstance(error) && error.code === 'ERR_CSE_NOT_FOUND') return undefined
      throw error
    }
  }
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Reads all rows. */
export async function allRows(rows: AsyncIterable<ReportRow>): Promise<readonly ReportRow[]> {
  const all: ReportRow[] = []
  for await (const row of rows) all.push(row)
  return all
}

/** The outcome of each key. */
export function outcomes(rows: readonly ReportRow[]): Readonly<Record<string, string>> {
  return Object.fromEntries(rows.map(({ key, outcome }) => [key, outcome]))
}

/** The operations that change a bucket. */
const WRITES = /^(put|initiate|uploadPart|complete|abort|delete|deleteMany|copy)$/

/** The requests to a bucket that change it. */
export function writesOf({ requests }: MemoryTransport): readonly RecordedRequest[] {
  return requests.filter(({ operation }) => WRITES.test(operation))
}

/** A refusal of the service that is not retried. */
export function denied(): TransportError {
  return new TransportError('ERR_CSE_ACCESS_DENIED', 'AccessDenied', { status: 403, retryable: false })
}

/** Leaves a header out of the responses to HEADs and GETs, or one value of it. */
export function withoutHeader(transport: MemoryTransport, name: string, value?: string): void {
  const without = (headers: HeaderMap): HeaderMap =>
    Object.fromEntries(
      Object.entries(headers).filter((header) => header[0] !== name || header[1] !== (value ?? header[1])),
    )
  const head = transport.head.bind(transport)
  transport.head = async (request) => {
    const response = await head(request)
    return { ...response, headers: without(response.headers) }
  }
  transport.alterGet = (response) => ({ ...response, headers: without(response.headers) })
}
