import type { FileCall, FileCallResult, FileCalls } from './file-worker-messages.web.ts'
import { SyncFile, type WorkerFileHandle } from './web-file.web.ts'

let file: SyncFile | undefined

function opened(): SyncFile {
  if (file === undefined) throw new TypeError('The file is not open.')
  return file
}

const calls: FileCalls = {
  async open(handle) {
    file = new SyncFile(await (handle as WorkerFileHandle).createSyncAccessHandle())
  },
  resize: async (...given) => opened().resize(...given),
  write: async (...given) => opened().write(...given),
  read: async (...given) => opened().read(...given),
  close: async () => opened().close(),
}

async function run({ id, call, given }: FileCall): Promise<void> {
  const made = calls[call] as (...given: unknown[]) => Promise<unknown>
  const result: FileCallResult = await made(...given).then(
    (value) => ({ id, value }),
    (error: unknown) => ({ id, error }),
  )
  self.postMessage(result)
}

self.onmessage = ({ data }: MessageEvent<FileCall>): void => void run(data)
self.postMessage('ready')
