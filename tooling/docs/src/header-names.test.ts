import { expect, test } from 'vitest'
import { filesUnder, refusedBy } from './lint-rule.ts'

const RULE = 'tooling/docs/src/header-names.grit'

test('the linter refuses to spell the name of a header of the service', () => {
  const wrong = [
    "export const ec = headers['x-oss-ec']",
    "export const { 'x-oss-version-id': versionId } = headers",
    "export const sent = { 'x-oss-request-payer': 'requester' }",
    "export const ours = name.startsWith('x-oss-')",
    'export const meta = `x-oss-meta-a`',
    'export const date = "x-oss-date"',
  ]
  const right = [
    'export const ec = headers[OSS_HEADERS.errorNumber]',
    'export const sent = { [OSS_HEADERS.requestPayer]: `requester` }',
    "export const { etag, 'content-type': contentType } = headers",
    "export const hint = 'Expose x-oss-request-id.'",
  ]
  expect(refusedBy(RULE, [...wrong, ...right])).toEqual(wrong)
})

test('the rule holds in everything that is published but for the table itself', () => {
  expect(filesUnder(RULE)).toEqual([
    'packages/*/src/**',
    'apps/*/src/**',
    '!**/*.test.ts',
    '!**/testing/**',
    '!packages/crypto-core/src/headers.ts',
    '!packages/signature/src/signed-headers.ts',
  ])
})
