import { keepCompiledCode } from './program/compile-cache.ts'

/** Starts the program. Its code is loaded after the cache for it is on. */
export async function start(): Promise<void> {
  keepCompiledCode()
  const { main } = await import('./main.ts')
  await main()
}
