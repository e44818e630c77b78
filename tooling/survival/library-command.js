// One transfer by the library as the command line does one: it says the same on stderr, and ends with a code.
import { downloadFile, FileCheckpointStore, uploadFile } from '@oss-cse/bucket/node'
import { openBucket } from './open-bucket.js'

const { access, transfer, format, whole, partBytes, parallel, checkpoints } = JSON.parse(process.argv[2])
const { operation, key, path } = transfer
const bucket = openBucket(access, { format, logger: ({ message }) => console.error(message) })
const options = {
  partSizeBytes: partBytes,
  multipartThresholdBytes: whole ? Number.MAX_SAFE_INTEGER : partBytes,
  parallel,
  checkpointStore: new FileCheckpointStore({ directory: checkpoints }),
}
try {
  if (operation === 'upload') await uploadFile(bucket, key, path, options)
  else await downloadFile(bucket, key, path, options)
} catch (error) {
  console.error(`${error.message} [${error.code}]`)
  process.exitCode = 1
}
