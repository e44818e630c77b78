import OSS from 'ali-oss'
import { expect, it } from 'vitest'
import { loadAliOss } from './load-ali-oss.ts'

it('loads the class of ali-oss', async () => {
  expect(await loadAliOss()).toBe(OSS)
})

it.each([
  ['a missing ali-oss', 'ERR_MODULE_NOT_FOUND', /npm install ali-oss/],
  ['a broken ali-oss', 'EACCES', /could not be loaded/],
])('the error of %s says what to do', async (_, code, message) => {
  const cause = Object.assign(new Error('not loaded'), { code })
  await expect(loadAliOss(() => Promise.reject(cause))).rejects.toMatchObject({
    code: 'ERR_CSE_INVALID_ARGUMENT',
    message: expect.stringMatching(message),
    cause,
  })
})
