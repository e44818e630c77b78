/** The instructions that decide how fast digests, ciphers and checksums are, by Linux's names for them. */
const FLAGS = { 'SHA-NI': 'sha_ni', VAES: 'vaes', 'AVX-512': 'avx512f', PCLMUL: 'pclmulqdq' }

/**
 * @param {string} cpuInfo - what /proc/cpuinfo holds
 * @returns {Record<string, boolean> | undefined} whether the machine has each; nothing if that is no x86 of Linux
 */
export function cpuFeatures(cpuInfo) {
  const line = /^flags\s*:(.*)$/m.exec(cpuInfo)
  if (line === null) return undefined
  const flags = new Set(line[1].trim().split(/\s+/))
  return Object.fromEntries(Object.entries(FLAGS).map(([name, flag]) => [name, flags.has(flag)]))
}

/**
 * @param {Record<string, boolean> | undefined} features
 * @returns {string} for a report
 */
export function featureText(features) {
  return Object.keys(FLAGS)
    .map((name) => `${name} ${features === undefined ? 'unknown' : features[name] ? 'yes' : 'no'}`)
    .join(', ')
}
