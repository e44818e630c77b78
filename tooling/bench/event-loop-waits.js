/** An interval of Node.js is no shorter. */
const TICK_MS = 1

/** Records when an event loop comes round, as often as a timer can ask it to. */
export class EventLoopTicks {
  #times = []
  #timer

  start() {
    this.#times = [performance.now()]
    this.#timer = setInterval(() => this.#times.push(performance.now()), TICK_MS)
  }

  /** @returns {number[]} the times, in milliseconds, in order */
  stop() {
    clearInterval(this.#timer)
    this.#times.push(performance.now())
    return this.#times
  }
}

/**
 * How long something waits that becomes due at any moment, for the next time the loop comes round. A pause of 100 ms
 * so counts for the 100 moments that it swallows, and not as one late tick.
 *
 * @param {readonly number[]} times - of the ticks, in order
 * @param {number} share - of the moments that wait no longer, 0 to 1
 * @returns {number} in the unit of the times, to a thousandth
 */
export function waitAt(times, share) {
  const gaps = times.slice(1).map((time, index) => time - times[index])
  const total = times.at(-1) - times[0]
  // Of a gap, all moments wait longer but those of its last part, of that length.
  const longer = (wait) => gaps.reduce((sum, gap) => sum + Math.max(0, gap - wait), 0) / total
  let [low, high] = [0, Math.max(...gaps)]
  while (high - low > 0.001) {
    const middle = (low + high) / 2
    if (longer(middle) > 1 - share) low = middle
    else high = middle
  }
  return high
}

/**
 * @param {readonly number[]} values
 * @param {number} share - 0 to 1
 * @returns {number} the smallest of the values that so many of them do not exceed
 */
export function valueAt(values, share) {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)]
}
