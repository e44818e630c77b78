import { CryptoBucket } from '@oss-cse/bucket'
import { downloadFile, IndexedDbCheckpointStore, opfsTarget, uploadFile } from '@oss-cse/bucket/web'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { FetchTransport } from '@oss-cse/transport-fetch'
import type { PageEmulator } from './browser-service.ts'

/** What a page can do with files. It ends when the page ends. */
export interface FilesPage {
  upload(key: string, file: File): Promise<{ readonly resumedBytes: number }>
  /** @param onBytes - called with the number of bytes so far */
  download(
    key: string,
    path: readonly string[],
    onBytes?: (bytes: number) => void,
  ): Promise<{ readonly resumedBytes: number }>
}

const PARTS = { partSizeBytes: 1024 ** 2, multipartThresholdBytes: 0, parallel: 1 }

/** @param encryptOnly - whether the page has only a public key */
export function filesPage(
  { accessKeyId, accessKeySecret, ...address }: PageEmulator,
  encryptOnly: boolean,
): FilesPage {
  const credentials = { getCredential: async () => ({ accessKeyId, accessKeySecret }) }
  const transport = new FetchTransport({ ...address, credentials })
  const bucket = new CryptoBucket({ transport, provider: createTestProvider({ encryptOnly }) })
  const checkpointStore = new IndexedDbCheckpointStore({ waitMs: 60_000 })
  return {
    upload: (key, file) => uploadFile(bucket, key, file, { ...PARTS, checkpointStore }),
    download: (key, path, onBytes) =>
      downloadFile(bucket, key, opfsTarget(...path), {
        ...PARTS,
        checkpointStore,
        onProgress: ({ transferredBytes }) => onBytes?.(transferredBytes),
      }),
  }
}
