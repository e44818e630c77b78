import { type CallOptions, CseError, orAborted } from '@oss-cse/crypto-core'
import { CLAIM_MESSAGE } from './claim-message.ts'

/**
 * Registers the service worker of a page, and waits until it serves the requests of this page. Otherwise the first visit, and a
 * reload that bypasses the cache, would ask the server for the objects.
 *
 * @param script - the URL of the worker's script, which calls `serveDecrypted`
 * @param options - those of `navigator.serviceWorker.register`, and a `signal`
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` where there are no service workers: on pages without HTTPS, except those of
 * localhost, and in the private windows of some browsers. `ERR_CSE_INVALID_ARGUMENT` when this page is outside of the worker's
 * scope. What `register` throws, such as a TypeError when the script fails.
 *
 * @example
 * ```ts
 * await registerWorker('/sw.js')
 * video.src = decryptedUrl('films/holiday.mp4')
 * ```
 */
export async function registerWorker(
  script: string | URL,
  options: RegistrationOptions & CallOptions = {},
): Promise<ServiceWorkerRegistration> {
  const { signal, ...registering } = options
  signal?.throwIfAborted()
  const workers: ServiceWorkerContainer | undefined = globalThis.navigator?.serviceWorker
  if (workers === undefined) {
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      'This page has no service workers: it needs HTTPS, and in some browsers a window that is not private.',
    )
  }
  const registration = await orAborted(workers.register(script, registering), signal)
  if (!location.href.startsWith(registration.scope)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `This page is outside of the worker's scope, ${registration.scope}: serve the script from a folder above the page, or pass scope.`,
    )
  }
  const worker = await orAborted(activated(registration), signal)
  // The worker of a folder above may have control so far.
  if (workers.controller?.scriptURL !== worker.scriptURL) await orAborted(claimed(workers, worker), signal)
  return registration
}

function activated(registration: ServiceWorkerRegistration): Promise<ServiceWorker> {
  const { active, waiting, installing } = registration
  const worker = active ?? waiting ?? installing
  return new Promise((resolve, reject) => {
    const check = (): void => {
      if (worker?.state === 'activated') resolve(worker)
      else if (worker === null || worker.state === 'redundant')
        reject(new CseError('ERR_CSE_OPERATION_REFUSED', 'The service worker could not be installed.'))
      else return
      worker?.removeEventListener('statechange', check)
    }
    worker?.addEventListener('statechange', check)
    check()
  })
}

function claimed(workers: ServiceWorkerContainer, worker: ServiceWorker): Promise<void> {
  return new Promise((resolve) => {
    workers.addEventListener('controllerchange', () => resolve(), { once: true })
    worker.postMessage(CLAIM_MESSAGE)
  })
}
