import type { ProjectConfig } from 'vitest/node'

/**
 * What the tests of every package share. The limits only end what hangs: no outcome may depend on how fast, or how busy,
 * a machine is.
 */
export const shared: ProjectConfig = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 30_000 } },
}
