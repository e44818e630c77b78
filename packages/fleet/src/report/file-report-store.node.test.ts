import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { all, each } from '../../test/mixed-bucket.ts'
import { reportStoreContract } from '../../test/report-store-contract.ts'
import { FileReportStore } from './file-report-store.node.ts'

const PART = '0000000000-0001'
let directory: string
let shared: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-report-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

reportStoreContract(
  'FileReportStore',
  async () => {
    shared = await mkdtemp(join(tmpdir(), 'oss-cse-reports-'))
    const store = new FileReportStore({ directory: join(shared, 'run') })
    return { store, result: (name) => readFile(join(shared, 'run', name), 'utf8') }
  },
  () => rm(shared, { recursive: true, force: true }),
)

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)

test.skipIf(process.platform === 'win32')('directories and files are for this user alone', async () => {
  const run = join(directory, 'runs', 'one')
  const store = new FileReportStore({ directory: run })
  await store.writePart(PART, each(['a']))
  await store.writeResult('report.csv', each(['a']))
  for (const path of [join(directory, 'runs'), run, join(run, 'parts')])
    expect(await modeOf(path)).toBe('700')
  const files = [join(run, 'parts', `${PART}.jsonl`), join(run, 'report.csv')]
  for (const path of files) expect(await modeOf(path)).toBe('600')
  // Somebody opened them to others. What replaces them is private again.
  for (const path of files) await chmod(path, 0o644)
  await store.writePart(PART, each(['b']))
  await store.writeResult('report.csv', each(['b']))
  for (const path of files) expect(await modeOf(path)).toBe('600')
})

test('other files in the directory are no parts, and no temporary file stays', async () => {
  const store = new FileReportStore({ directory })
  await mkdir(join(directory, 'parts'))
  await writeFile(join(directory, 'parts', 'notes.txt'), '')
  await writeFile(join(directory, 'parts', '1.jsonl'), '')
  await store.writePart(PART, each(['a']))
  expect(await all(store.partNames())).toEqual([PART])
  expect((await readdir(join(directory, 'parts'))).sort()).toEqual([`${PART}.jsonl`, '1.jsonl', 'notes.txt'])
})

test('a directory that cannot be created or read is a clear error', async () => {
  await writeFile(join(directory, 'file'), '')
  const store = new FileReportStore({ directory: join(directory, 'file') })
  await expect(store.writePart(PART, each(['a']))).rejects.toMatchObject({
    code: 'ERR_CSE_INVALID_ARGUMENT',
    message: expect.stringContaining(join(directory, 'file')),
  })
  await expect(all(store.partNames())).rejects.toMatchObject({ code: 'ERR_CSE_FILE' })
})
