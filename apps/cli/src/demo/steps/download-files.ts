import { join } from 'node:path'
import { downloadFile } from '@oss-cse/bucket/node'
import type { DemoStep } from '../demo-step.ts'
import { formatDuration } from '../format.ts'
import { sha256OfFile } from '../source-files.ts'

/** Downloads both files and compares them with the originals. */
export const downloadFiles: DemoStep = async ({ stage, screen, checks }) => {
  const { dim } = screen.colours
  screen.note('The downloads go to new files. SHA-256 of what was sent and of what was received:')
  for (const { key, sha256 } of [stage.letter, stage.noise]) {
    const path = join(stage.downloadDirectory, key)
    const started = performance.now()
    const result = await downloadFile(stage.bucket, key, path)
    const durationMs = performance.now() - started
    const received = await sha256OfFile(path)
    screen.blank()
    screen.line(`${dim('sent     ')} ${sha256}`)
    screen.line(`${dim('received ')} ${received}`)
    checks.that(
      received === sha256 && result.verification === 'crc64',
      `${key}: unchanged, in ${formatDuration(durationMs)}; the CRC-64s match too`,
    )
  }
}
