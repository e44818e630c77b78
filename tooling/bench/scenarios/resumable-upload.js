import { alternate } from '../alternate.js'
import { sizeName, throughput, upload } from '../contenders.js'
import { ratioRow } from '../rows.js'
import { PARALLEL } from '../transfers.js'

/** A file in parts with a checkpoint, encrypted, against the plain PUT of ali-oss. */
export async function resumableUpload(context) {
  const { transferBytes } = context.sizes
  const samples = await alternate(
    context.runs,
    {
      plain: upload(context, 'plain-put', transferBytes),
      ours: upload(context, 'resumable-upload', transferBytes),
    },
    context.log('resumable-upload'),
  )
  const { plain: baseline, ours } = samples
  const what = `resumable upload ${sizeName(transferBytes)}, ${PARALLEL} at a time`
  const rows = [
    ratioRow({ what, unit: 'MB/s', baseline, ours, value: throughput(transferBytes), atLeast: 1 }),
    ratioRow({ what: `${what}, CPU`, unit: 's', baseline, ours, value: ({ cpuSeconds }) => cpuSeconds }),
  ]
  return { rows, samples }
}
