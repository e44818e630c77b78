import type { QueryParameter } from '../protocol/oss-request.ts'

/** With more empty parameters than this, only the two uniform spellings are tried. */
const MAX_MIXED = 7

/**
 * The query strings that a client may have signed for the same parameters. An empty parameter is `k` or `k=`; `k` comes
 * first. One request of ali-oss can have both: it sends `?uploads=` and signs `uploads`, but signs `prefix=` for its
 * query options.
 *
 * @param sorted - the parameters in signing order, with names and values escaped as they are signed
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
