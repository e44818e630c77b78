import { median } from './alternate.js'

/**
 * @typedef {object} Row - one line of the report
 * @property {string} what
 * @property {string} unit
 * @property {number} [baseline] - the median
 * @property {number} ours - the median
 * @property {number} [ratio] - ours to baseline
 * @property {[number, number]} [rounds] - the smallest and the largest ratio of one round
 * @property {string} [target] - what was aimed at; absent for a line that only informs
 * @property {boolean} [met]
 * @property {[number, number]} [sinkBusy] - the server's CPU seconds for a second of the transfer: baseline, ours
 */

/**
 * Compares two contenders of the same rounds.
 *
 * @param {{
 *   what: string, unit: string, baseline: readonly object[], ours: readonly object[],
 *   value: (sample: object) => number, atLeast?: number, atMost?: number
 * }} comparison - `value` reads the figure out of a sample; `atLeast` and `atMost` are targets of the ratio
 * @returns {Row}
 */
export function ratioRow({ what, unit, baseline, ours, value, atLeast, atMost }) {
  const [base, own] = [baseline.map(value), ours.map(value)]
  const ratio = median(own) / median(base)
  const ratios = own.map((figure, round) => figure / base[round])
  const busy = [baseline, ours].map((samples) =>
    median(samples.map(({ sinkCpuSeconds, seconds }) => sinkCpuSeconds / seconds)),
  )
  return {
    what,
    unit,
    baseline: median(base),
    ours: median(own),
    ratio,
    rounds: [Math.min(...ratios), Math.max(...ratios)],
    ...judged(ratio, { atLeast, atMost }, (limit) => limit.toFixed(2)),
    ...(busy.every(Number.isFinite) && { sinkBusy: busy }),
  }
}

/**
 * A figure that stands for itself: no baseline, or one that it is not divided by.
 *
 * @param {{
 *   what: string, unit: string, ours: number, baseline?: number,
 *   judge?: number, atLeast?: number, atMost?: number
 * }} figure - `judge` is what the target is about, when that is not `ours`
 * @returns {Row}
 */
export function figureRow({ what, unit, ours, baseline, judge = ours, atLeast, atMost }) {
  return { what, unit, baseline, ours, ...judged(judge, { atLeast, atMost }, (limit) => `${limit} ${unit}`) }
}

function judged(figure, { atLeast, atMost }, format) {
  if (atLeast !== undefined) return { target: `>= ${format(atLeast)}`, met: figure >= atLeast }
  if (atMost !== undefined) return { target: `<= ${format(atMost)}`, met: figure <= atMost }
  return {}
}
