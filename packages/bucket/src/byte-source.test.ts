import { expect, test } from 'vitest'
import { byteSource, checkedSource } from './byte-source.ts'

test('a stream of unknown length fails where it goes over what one upload can hold', async () => {
  const chunk = new Uint8Array(1024 ** 2)
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield chunk
  }
  let received = 0
  const read = async (): Promise<void> => {
    for await (const bytes of checkedSource(byteSource(endless()))) received += bytes.length
  }
  await expect(read()).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE' })
  expect(received).toBe(5 * 1024 ** 3)
})
