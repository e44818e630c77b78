import { expect, test } from 'vitest'
import { RecentKeys } from './recent-keys.ts'
import type { RequestScope } from './v4-text.ts'

const SCOPE: RequestScope = {
  dateTime: '20261129T140553Z',
  day: '20261129',
  region: 'cn-hangzhou',
  product: 'oss',
  text: '20261129/cn-hangzhou/oss/aliyun_v4_request',
}

function accessKey(accessKeySecret: string) {
  return { accessKeyId: 'ak', accessKeySecret }
}

test('a key is found for the secret, the day, the region and the product that it was derived for', () => {
  const keys = new RecentKeys<string>()
  keys.keep(accessKey('sk'), SCOPE, 'key')
  expect(keys.find(accessKey('sk'), { ...SCOPE, dateTime: '20261129T235959Z' })).toBe('key')
  expect(keys.find(accessKey('ks'), SCOPE)).toBeUndefined()
  for (const other of [{ day: '20261130' }, { region: 'cn-beijing' }, { product: 'oss-cloudbox' }]) {
    expect(keys.find(accessKey('sk'), { ...SCOPE, ...other })).toBeUndefined()
  }
})

test('eight keys are kept, and the oldest one goes first', () => {
  const keys = new RecentKeys<number>()
  for (let number = 0; number < 20; number += 1) keys.keep(accessKey(`sk${number}`), SCOPE, number)
  const found = Array.from({ length: 20 }, (_, number) => keys.find(accessKey(`sk${number}`), SCOPE))
  expect(found.filter((key) => key !== undefined)).toEqual([12, 13, 14, 15, 16, 17, 18, 19])
})
