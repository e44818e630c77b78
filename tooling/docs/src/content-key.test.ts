import { expect, test } from 'vitest'
import { filesUnder, refusedBy } from './lint-rule.ts'

const RULE = 'tooling/docs/src/content-key.grit'

test('the linter refuses to import what a content key is, or what is started with one', () => {
  const wrong = [
    "import { CseError, type ContentKey } from '@oss-cse/crypto-core'",
    "import type { ContentKey as Secret } from '@oss-cse/crypto-core'",
    "import { CtrCipher } from '@oss-cse/crypto-core'",
    "import { keystreamAt as start } from '@oss-cse/crypto-core/internal'",
    "import { DerivedKey } from '@oss-cse/crypto-core/internal'",
    "import { startCipherRun } from './cipher-run.ts'",
    "import * as core from '@oss-cse/crypto-core'",
    "import type * as core from '@oss-cse/crypto-core/internal'",
    "export type { GeneratedContentKey } from '@oss-cse/crypto-core'",
  ]
  const right = [
    "import { CseError, type ObjectBody } from '@oss-cse/crypto-core'",
    "import * as v from 'valibot'",
    "import { generateCipher } from './cipher/object-cipher.ts'",
  ]
  expect(refusedBy(RULE, [...wrong, ...right])).toEqual(wrong)
})

test('the rule holds in the whole house but for the files that it names', () => {
  expect(filesUnder(RULE)).toEqual([
    'packages/*/src/**',
    'apps/*/src/**',
    'tooling/*-emulator/src/**',
    '!**/*.test.ts',
    '!**/testing/**',
    // The keyring and the cipher.
    '!packages/crypto-core/src/**',
    '!packages/bucket/src/cipher/**',
    // The providers.
    '!packages/provider-*/src/**',
    '!apps/custom-provider/src/**',
    // What works without a bucket, and what shows that the key is in nothing that leaves.
    '!apps/cli/src/cipher/**',
    '!apps/cli/src/demo/steps/show-envelope.ts',
  ])
})
