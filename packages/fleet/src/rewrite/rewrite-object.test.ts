import { TransportError } from '@oss-cse/crypto-core'
import { expect, test } from 'vitest'
import { RewriteSite } from '../../test/rewrite-site.ts'
import { rotateObject } from '../rotate-object.ts'

test('throttling does not use up the attempts on an object', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  let throttled = 0
  site.transport.intercept = ({ operation }) => {
    if (operation !== 'put' || throttled === 20) return
    throttled += 1
    throw new TransportError('ERR_CSE_THROTTLED', 'Slow down.', { status: 503, retryable: true })
  }
  expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated' })
})
