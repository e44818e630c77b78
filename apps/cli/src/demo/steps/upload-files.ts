import { uploadFile } from '@oss-cse/bucket/node'
import type { DemoStep } from '../demo-step.ts'
import { formatCount, formatDuration } from '../format.ts'

/** Encrypts and uploads both files. */
export const uploadFiles: DemoStep = async ({ stage, screen, checks }) => {
  screen.note(
    'Each file has its own key. It is encrypted while it is read, and streamed to the server. The server returns a CRC-64 of what it stored.',
  )
  for (const { key, path, sizeBytes } of [stage.letter, stage.noise]) {
    const started = performance.now()
    const result = await uploadFile(stage.bucket, key, path)
    const durationMs = performance.now() - started
    checks.that(
      result.verification === 'crc64' && result.sizeBytes === sizeBytes,
      `${key}: ${formatCount(sizeBytes)} bytes in ${formatDuration(durationMs)}; the CRC-64s match`,
    )
  }
}
