import type { QueryParameter } from '../protocol/oss-request.ts'

/** Beyond this, only the two uniform spellings are tried. */
const MAX_MIXED = 7

/**
 * The query strings that sign the same parameters, `k` for an empty one first. ali-oss sends `?uploads=` and
 * signs `uploads`, yet signs `prefix=` for its query options, both in one request.
 *
 * @param sorted - the parameters in signing order, names and values already as they are signed
 */
export function emptyParameterForms(sorted: readonly QueryParameter[]): readonly string[] {
  const empties = sorted.filter(({ value }) => value === '').length
  const masks = empties > MAX_MIXED ? [0, -1] : Array.from({ length: 2 ** empties }, (_, mask) => mask)
  return masks.map((mask) => {
    let empty = 0
    return sorted
      .map(({ name, value }) => {
        if (value !== '') return `${name}=${value}`
        const spelled = mask === -1 || ((mask >> empty) & 1) === 1
        empty++
        return spelled ? `${name}=` : name
      })
      .join('&')
  })
}
