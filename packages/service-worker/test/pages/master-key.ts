import type { MasterKeyProvider } from '@oss-cse/crypto-core'
import { createWebAesProvider, IndexedDbKeyStore, importWebAesKey } from '@oss-cse/provider-web'

/** In the page: puts the master key where no script can read its bytes, and the worker finds it each time that it starts. */
export async function saveKey(bytes: Uint8Array): Promise<void> {
  await new IndexedDbKeyStore().getOrCreate('master', () => importWebAesKey(bytes))
}

/** In the worker. */
export async function loadProvider(): Promise<MasterKeyProvider> {
  const key = await new IndexedDbKeyStore().get('master')
  if (key === undefined) throw new Error('Nobody is signed in.')
  return createWebAesProvider(key)
}
