import { decodeEnvelope, encodeEnvelope, Keyring } from '@oss-cse/crypto-core'
import { RsaProvider } from '@oss-cse/provider-rsa'
import { alternate, median } from '../alternate.js'
import { sizeName } from '../contenders.js'
import { measure } from '../measure.js'
import { figureRow, ratioRow } from '../rows.js'

const WANTED_BYTES = 1024

/** A little out of the middle of something large. */
export async function range(context) {
  const { rangeObjectBytes, rangeCount } = context.sizes
  const key = await context.encryptedObject(rangeObjectBytes)
  // One byte before a block of the cipher ends.
  const start = rangeObjectBytes / 2 + 15
  const job = { key, start, end: start + WANTED_BYTES - 1, count: rangeCount }
  const samples = await alternate(
    context.runs,
    {
      plain: () => measure(context, { transfer: 'plain-range', ...job }),
      ours: () => measure(context, { transfer: 'range', ...job }),
    },
    context.log('range'),
  )
  const { plain: baseline, ours } = samples
  const fetched = (list) => median(list.map(({ bytesSent }) => bytesSent / rangeCount))
  const what = `range of ${WANTED_BYTES} bytes in ${sizeName(rangeObjectBytes)}`
  const rows = [
    figureRow({
      what: `${what}, fetched`,
      unit: 'bytes',
      baseline: fetched(baseline),
      ours: fetched(ours),
      atMost: WANTED_BYTES + 15,
    }),
    ratioRow({
      what: `${what}, latency`,
      unit: 'ms',
      baseline,
      ours,
      value: ({ latencyMs }) => latencyMs,
      atMost: 1.2,
    }),
    figureRow({
      what: 'of that latency: unwrapping the key, RSA-3072',
      unit: 'ms',
      ours: await unwrapMs(context),
    }),
  ]
  return { rows, samples }
}

async function unwrapMs({ privateKey, sizes }) {
  const keyring = new Keyring({ encrypting: new RsaProvider({ privateKey }) })
  const { envelope } = await keyring.generate()
  const stored = decodeEnvelope(encodeEnvelope(envelope))
  const times = []
  for (let done = 0; done < sizes.rangeCount; done++) {
    const began = performance.now()
    await keyring.unwrap(stored)
    times.push(performance.now() - began)
  }
  return median(times)
}
