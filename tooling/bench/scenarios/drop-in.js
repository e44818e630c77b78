import { alternate } from '../alternate.js'
import { download, sizeName, throughput, upload } from '../contenders.js'
import { measure } from '../measure.js'
import { ratioRow } from '../rows.js'

/** What an app pays that changes one line: the same calls of ali-oss and of the drop-in. */
export async function dropIn(context) {
  const { transferBytes, smallCount: count } = context.sizes
  const contenders = {
    put: (kind) => upload(context, `${kind}-put-file`, transferBytes),
    get: (kind) => download(context, `${kind}-get-file`, transferBytes),
    multipartUpload: (kind) => upload(context, `${kind}-multipart`, transferBytes),
    small: (kind) => () => measure(context, { transfer: `${kind}-small`, count }),
  }
  const samples = {}
  for (const [name, contender] of Object.entries(contenders)) {
    const pair = { plain: contender('plain'), ours: contender('drop-in') }
    samples[name] = await alternate(context.runs, pair, context.log(`drop-in ${name}`))
  }
  const row = (name, what, unit, value) =>
    ratioRow({ what, unit, baseline: samples[name].plain, ours: samples[name].ours, value })
  const rows = ['put', 'get', 'multipartUpload'].flatMap((name) => {
    const what = `drop-in ${name} ${sizeName(transferBytes)}`
    return [
      row(name, what, 'MB/s', throughput(transferBytes)),
      row(name, `${what}, CPU`, 's', ({ cpuSeconds }) => cpuSeconds),
    ]
  })
  rows.push(
    row(
      'small',
      `drop-in put of ${count} objects of 1 KiB, RSA-3072`,
      '/s',
      ({ putsPerSecond }) => putsPerSecond,
    ),
    row(
      'small',
      `drop-in get of ${count} objects of 1 KiB, RSA-3072`,
      '/s',
      ({ getsPerSecond }) => getsPerSecond,
    ),
  )
  return { rows, samples }
}
