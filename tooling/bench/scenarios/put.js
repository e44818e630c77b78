import { alternate } from '../alternate.js'
import { sizeName, throughput, upload } from '../contenders.js'
import { ratioRow } from '../rows.js'

/** A file in one PUT, encrypted, against ali-oss. */
export async function put(context) {
  const { transferBytes } = context.sizes
  const samples = await alternate(
    context.runs,
    {
      plain: upload(context, 'plain-put', transferBytes),
      'plain, reading 1 MiB at a time': upload(context, 'plain-put', transferBytes, { readBytes: 2 ** 20 }),
      ours: upload(context, 'put', transferBytes),
    },
    context.log('put'),
  )
  const { plain, ours } = samples
  const name = `put ${sizeName(transferBytes)}`
  const value = throughput(transferBytes)
  const rows = [
    ratioRow({ what: name, unit: 'MB/s', baseline: plain, ours, value, atLeast: 1 }),
    ratioRow({
      what: `${name}, CPU`,
      unit: 's',
      baseline: plain,
      ours,
      value: ({ cpuSeconds }) => cpuSeconds,
      atMost: 1.8,
    }),
    ratioRow({
      what: `${name}, baseline reads 1 MiB at a time`,
      unit: 'MB/s',
      baseline: samples['plain, reading 1 MiB at a time'],
      ours,
      value,
    }),
  ]
  return { rows, samples }
}
