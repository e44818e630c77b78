/** How many times in a row a transfer is killed before it may finish, and how often each: 6, 3 and 1 in 10. */
const IN_A_ROW = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3]

/**
 * Spreads kills over transfers, each at any moment of an undisturbed run with the same chance.
 *
 * @template Way
 * @param {object} options
 * @param {number} options.kills
 * @param {readonly (Way & { undisturbedMs: number })[]} options.ways - in which transfers are done, by turns
 * @param {import('./random.js').Random} options.random
 * @param {(name: string, momentsMs: number[], way: Way) => Promise<number>} transfer - kills the runs of one transfer after
 * these times, lets the last one finish, and tells how many kills there were: one may finish before
 */
export async function spreadKills({ kills, ways, random }, transfer) {
  let left = kills
  for (let number = 1; left > 0; number++) {
    const name = `transfer-${number}`
    const choice = random.fork(name)
    const count = Math.min(left, IN_A_ROW[choice.integer(0, IN_A_ROW.length - 1)])
    const way = ways[(number - 1) % ways.length]
    const { undisturbedMs } = way
    const momentsMs = Array.from({ length: count }, () => Math.round(choice.next() * undisturbedMs))
    left -= await transfer(name, momentsMs, way)
  }
}
