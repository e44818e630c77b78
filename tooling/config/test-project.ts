import type { UserWorkspaceConfig } from 'vitest/config'

/** They only end what hangs: no outcome may depend on how fast, or how busy, a machine is. */
export const testLimits: { testTimeout: number; hookTimeout: number; expect: { poll: { timeout: number } } } =
  {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  }

/** How the tests of every package run: its `vitest.config.ts` exports this. */
export const testProject: UserWorkspaceConfig = {
  test: {
    ...testLimits,
    include: ['{src,test}/**/*.test.ts'],
    exclude: ['**/*.browser.test.ts'],
    // Imports the vendor's CommonJS clients as Node.js does, and as their types say.
    deps: { interopDefault: false },
  },
}
