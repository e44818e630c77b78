/**
 * Starts a worker from its text. A file of its own would have an address that only some bundlers find.
 *
 * @param source - the text. The worker's first message is `ready`
 * @throws unless the page may start it. Its Content-Security-Policy must allow `worker-src blob:`
 */
export async function startWorker(source: string): Promise<Worker> {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  try {
    const worker = new Worker(url, { name: 'oss-cse' })
    await new Promise<void>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<unknown>) => data === 'ready' && resolve()
      worker.onerror = reject
    })
    return worker
  } finally {
    URL.revokeObjectURL(url)
  }
}
