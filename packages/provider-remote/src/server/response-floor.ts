/**
 * Waits until a multiple of `floorMs` has passed since the start. So a response does not show whether something was refused early
 * or late, nor how long an unwrap took.
 *
 * @param startedMs - a time of `performance.now`
 */
export async function atFloor(startedMs: number, floorMs: number): Promise<void> {
  if (floorMs === 0) return
  const passedMs = performance.now() - startedMs
  const restMs = Math.max(1, Math.ceil(passedMs / floorMs)) * floorMs - passedMs
  await new Promise((resolve) => setTimeout(resolve, restMs))
}
