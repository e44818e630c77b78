import { DEFAULT_PART_BYTES } from '@oss-cse/crypto-core/internal'
import { alternate, median } from '../alternate.js'
import { download, sizeName, upload } from '../contenders.js'
import { figureRow } from '../rows.js'
import { PARALLEL } from '../transfers.js'

const ALLOWANCE_MIB = 48
const PARTS_MIB = (PARALLEL * DEFAULT_PART_BYTES) / 2 ** 20
/** What counts as flat: V8 alone varies by about as much. */
const FLAT_MIB = 16
const SMALL_RUNS = 3

const FAMILIES = [
  { baseline: 'plain-put', contender: upload, ours: { put: 0, 'resumable-upload': PARTS_MIB } },
  { baseline: 'plain-get', contender: download, ours: { get: 0, 'resumable-download': PARTS_MIB } },
]

/** The most memory that a transfer needs, against the plain one, and whether it grows with the object. */
export async function rss(context) {
  const rows = []
  const samples = {}
  const [small, large] = context.sizes.rssBytes
  for (const { baseline, contender, ours } of FAMILIES) {
    const peaks = {}
    for (const sizeBytes of [small, large]) {
      const names = [baseline, ...Object.keys(ours)]
      const contenders = Object.fromEntries(names.map((name) => [name, contender(context, name, sizeBytes)]))
      const runs = sizeBytes === small ? SMALL_RUNS : 1
      const measured = await alternate(runs, contenders, context.log(`rss ${sizeName(sizeBytes)}`))
      samples[`${baseline}, ${sizeName(sizeBytes)}`] = measured
      peaks[sizeBytes] = Object.fromEntries(
        names.map((name) => [name, median(measured[name].map(({ peakRssMiB }) => peakRssMiB))]),
      )
    }
    await context.workspace.remove(`source-${large}`)
    for (const [name, partsMiB] of Object.entries(ours)) {
      for (const sizeBytes of [small, large]) {
        rows.push(
          aboveRow(name, sizeName(sizeBytes), peaks[sizeBytes][baseline], peaks[sizeBytes][name], partsMiB),
        )
      }
      const growth = (who) => peaks[large][who] - peaks[small][who]
      rows.push(
        figureRow({
          what: `${name}, peak RSS: ${sizeName(large)} less ${sizeName(small)}`,
          unit: 'MiB',
          baseline: growth(baseline),
          ours: growth(name),
          judge: Math.abs(growth(name)),
          atMost: FLAT_MIB,
        }),
      )
    }
  }
  return { rows, samples }
}

function aboveRow(name, size, baseline, ours, partsMiB) {
  const row = figureRow({
    what: `${name} ${size}, peak RSS`,
    unit: 'MiB',
    baseline,
    ours,
    judge: ours - baseline,
    atMost: ALLOWANCE_MIB + partsMiB,
  })
  return { ...row, target: `<= baseline + ${ALLOWANCE_MIB + partsMiB} MiB` }
}
