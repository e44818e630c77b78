/**
 * Runs contenders in turns, a, b, c, then c, b, a, and so on: what else the machine does meanwhile, and what one
 * leaves behind for the next, falls on all of them alike.
 *
 * @template Sample
 * @param {number} rounds
 * @param {Record<string, () => Promise<Sample>>} contenders - by name
 * @param {(round: number, name: string, sample: Sample) => void} [report] - called after each run
 * @returns {Promise<Record<string, Sample[]>>} each contender's samples, in the order of the rounds
 */
export async function alternate(rounds, contenders, report = () => {}) {
  const names = Object.keys(contenders)
  const samples = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const name of round % 2 === 1 ? names : names.toReversed()) {
      const sample = await contenders[name]()
      samples[name].push(sample)
      report(round, name, sample)
    }
  }
  return samples
}

/**
 * @param {readonly number[]} values
 * @returns {number} the middle one, or the mean of the two in the middle
 */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
