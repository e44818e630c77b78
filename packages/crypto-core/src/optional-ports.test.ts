import { expect, test } from 'vitest'
import { hasObjectSettings, hasVersionCatalog } from './optional-ports.ts'

const method = () => undefined

test('a transport has a port only with all its methods', () => {
  expect(hasVersionCatalog({ listVersions: method, getVersioning: method })).toBe(true)
  expect(hasVersionCatalog({ listVersions: method })).toBe(false)
  expect(hasVersionCatalog({ listVersions: method, getVersioning: true })).toBe(false)
  expect(hasObjectSettings({ getObjectAcl: method, getObjectTags: method })).toBe(true)
  expect(hasObjectSettings({ getObjectTags: method })).toBe(false)
  expect(hasObjectSettings({ getObjectAcl: true, getObjectTags: method })).toBe(false)
})
