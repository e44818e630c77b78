// Runs the built package once under each Node.
import assert from 'node:assert/strict'
import { keySizes, mismatches } from './compare-with-node.mjs'

for (const bits of keySizes) assert.deepEqual(mismatches(bits, 20), [])
console.log(`rsa-pkcs1: OpenSSL ${process.versions.openssl} decrypts what it encrypts`)
