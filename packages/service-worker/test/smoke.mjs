// Run on the built package under every Node.js of the matrix, where servers render pages with the URLs of objects.
import assert from 'node:assert/strict'
import { decryptedUrl, registerWorker, serveDecrypted } from '@oss-cse/service-worker'

assert.equal(decryptedUrl('films/a b.mp4'), '/cse/films%2Fa%20b.mp4')
assert.throws(() => serveDecrypted({ openBucket: () => {} }), { code: 'ERR_CSE_INVALID_ARGUMENT' })
await assert.rejects(registerWorker('/sw.js'), { code: 'ERR_CSE_OPERATION_REFUSED' })
console.log(`service-worker: a page has the URL of an object on ${process.version}`)
