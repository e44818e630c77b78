import { PassThrough } from 'node:stream'
import { MemoryCheckpointStore, type Progress } from '@oss-cse/bucket'
import { beforeEach, expect, test } from 'vitest'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { runTransfer, type TransferTools } from './transfer.ts'

const FAR: Progress = { transferredBytes: 100, totalBytes: 500, partsDone: 1, partCount: 5 }

let store: MemoryCheckpointStore
beforeEach(async () => {
  store = new MemoryCheckpointStore()
  const earlier = await store.open('record')
  await earlier.save({})
  await earlier.close()
})

/** What a put has to say that loaded an earlier record and failed after `more`. */
async function hintAfter(more: (tools: TransferTools) => void): Promise<unknown> {
  const cli = { stderr: new PassThrough(), signal: new AbortController().signal } as unknown as CliEnvironment
  const failing = runTransfer(cli, {}, 'put', store, async (tools) => {
    const record = await tools.checkpointStore?.open('record')
    await record?.load()
    more(tools)
    throw new Error('failed')
  })
  return failing.catch((error: { hint?: unknown }) => error.hint)
}

test('a transfer that fails while earlier parts are still being verified has no number in its hint, because it would be too small', async () => {
  expect(await hintAfter(({ onProgress }) => onProgress(FAR))).toBe('Run the same command again to resume.')
})

test('once all earlier parts are verified, the hint has the number of parts', async () => {
  const compared = ({ onProgress, logger }: TransferTools): void => {
    onProgress(FAR)
    logger({ type: 'resume', operation: 'upload', key: 'k', message: '1 of 5 parts.' })
  }
  expect(await hintAfter(compared)).toBe('Parts uploaded: 1 of 5. Run the same command again to resume.')
})
