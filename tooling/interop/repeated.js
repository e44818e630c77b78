/**
 * Does the same again and again.
 *
 * @template Result
 * @param {{ count: number, parallel: number }} times - how often, and how many at a time
 * @param {() => Promise<Result>} once
 * @returns {Promise<Result | undefined>} what was returned last
 */
export async function repeated({ count, parallel }, once) {
  let left = count
  let last
  const worker = async () => {
    while (left-- > 0) last = await once()
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return last
}
