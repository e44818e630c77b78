import { alternate } from '../alternate.js'
import { download, sizeName, throughput } from '../contenders.js'
import { ratioRow } from '../rows.js'
import { PARALLEL } from '../transfers.js'

/** An object in ranges with a checkpoint, decrypted and verified, against the plain GET of ali-oss. */
export async function resumableDownload(context) {
  const { transferBytes } = context.sizes
  const samples = await alternate(
    context.runs,
    {
      plain: download(context, 'plain-get', transferBytes),
      'plain, flushed': download(context, 'plain-get', transferBytes, { flush: true }),
      ours: download(context, 'resumable-download', transferBytes),
    },
    context.log('resumable-download'),
  )
  const { plain: baseline, ours } = samples
  const what = `resumable download ${sizeName(transferBytes)}, ${PARALLEL} at a time`
  const value = throughput(transferBytes)
  const rows = [
    ratioRow({ what, unit: 'MB/s', baseline, ours, value, atLeast: 1 }),
    ratioRow({ what: `${what}, CPU`, unit: 's', baseline, ours, value: ({ cpuSeconds }) => cpuSeconds }),
    ratioRow({
      what: `${what}, baseline flushed to disk too`,
      unit: 'MB/s',
      baseline: samples['plain, flushed'],
      ours,
      value,
    }),
  ]
  return { rows, samples }
}
