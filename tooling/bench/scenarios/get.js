import { alternate } from '../alternate.js'
import { download, sizeName, throughput } from '../contenders.js'
import { ratioRow } from '../rows.js'

/** An object in one GET into a file, decrypted and verified, against ali-oss. */
export async function get(context) {
  const { transferBytes } = context.sizes
  const samples = await alternate(
    context.runs,
    {
      plain: download(context, 'plain-get', transferBytes),
      'plain, flushed': download(context, 'plain-get', transferBytes, { flush: true }),
      ours: download(context, 'get', transferBytes),
    },
    context.log('get'),
  )
  const { plain, ours } = samples
  const name = `get ${sizeName(transferBytes)}`
  const value = throughput(transferBytes)
  const rows = [
    ratioRow({ what: name, unit: 'MB/s', baseline: plain, ours, value, atLeast: 0.9 }),
    ratioRow({
      what: `${name}, CPU`,
      unit: 's',
      baseline: plain,
      ours,
      value: ({ cpuSeconds }) => cpuSeconds,
    }),
    ratioRow({
      what: `${name}, baseline flushed to disk too`,
      unit: 'MB/s',
      baseline: samples['plain, flushed'],
      ours,
      value,
    }),
  ]
  return { rows, samples }
}
