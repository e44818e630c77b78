import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { objects } from './behaviour/objects.ts'
import { parts } from './behaviour/parts.ts'
import { reads } from './behaviour/reads.ts'
import { surroundings } from './behaviour/surroundings.ts'
import { differences, type Kind, Subject, shown } from './subject.ts'

describe.each<Kind>(['OSS', 'CryptoOSS'])('%s', (kind) => {
  let subject: Subject
  beforeEach(async () => {
    subject = await Subject.start(kind)
  })
  afterEach(() => subject.end())

  describe('objects', () => objects(() => subject))
  describe('reads', () => reads(() => subject))
  describe('parts', () => parts(() => subject))
  describe('surroundings', () => surroundings(() => subject))
})

// Without the groups whose tests count the bytes of parts, or send parts themselves.
describe('sealing CryptoOSS', () => {
  let subject: Subject
  beforeEach(async () => {
    subject = await Subject.start('sealing CryptoOSS')
  })
  afterEach(() => subject.end())

  describe('objects', () => objects(() => subject))
  describe('reads', () => reads(() => subject))
})

test('each difference of the table has a test', () => {
  expect(differences.filter((difference) => !shown.has(difference))).toEqual([])
})
