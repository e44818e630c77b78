/**
 * Compares two texts by their code points, which is the order of their UTF-8 bytes. JavaScript's own order differs for
 * characters outside the Basic Multilingual Plane.
 *
 * @returns less than 0 if `a` comes first, more than 0 if `b` comes first, 0 for equal texts
 */
export function compareCodePoints(a: string, b: string): number {
  const common = Math.min(a.length, b.length)
  for (let i = 0; i < common; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left === right) continue
    if (isSurrogate(left) === isSurrogate(right)) return left - right
    return isSurrogate(left) ? 1 : -1
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}
