/**
 * Starts a worker from its text. A file of its own would have an address that only some bundlers find.
 *
 * @param source - the text. The worker's first message is `ready`
 * @throws unless the page may start it. Its Content-Security-Policy must allow `worker-src blob:`, and where it
 * limits the policies of Trusted Types, `trusted-types oss-cse`
 */
export async function startWorker(source: string): Promise<Worker> {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  try {
    const worker = new Worker(trusted(url), { name: 'oss-cse' })
    await new Promise<void>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<unknown>) => data === 'ready' && resolve()
      worker.onerror = reject
    })
    return worker
  } finally {
    URL.revokeObjectURL(url)
  }
}

/** What the types lack of Trusted Types. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { readonly createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string }
}

let policy: ReturnType<TrustedTypes['createPolicy']> | undefined

/** A page with Trusted Types takes the address of a script only from a policy. Nobody else gets this one. */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes }
  policy ??= trustedTypes?.createPolicy('oss-cse', { createScriptURL: (given) => given })
  return policy?.createScriptURL(url) ?? url
}
