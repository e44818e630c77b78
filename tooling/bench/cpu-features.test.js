import { expect, test } from 'vitest'
import { cpuFeatures, featureText } from './cpu-features.js'

test('tells what an x86 of Linux has, by whole words', () => {
  const info =
    'processor\t: 0\nmodel name\t: x\nflags\t\t: fpu pclmulqdq avx512f sha_ni_x vpclmulqdq\nbugs\t: sha_ni\n'
  expect(featureText(cpuFeatures(info))).toBe('SHA-NI no, VAES no, AVX-512 yes, PCLMUL yes')
})

test('other machines are unknown, and not without', () => {
  expect(featureText(cpuFeatures('processor : 0\nFeatures : fp asimd aes pmull sha2\n'))).toBe(
    'SHA-NI unknown, VAES unknown, AVX-512 unknown, PCLMUL unknown',
  )
})
