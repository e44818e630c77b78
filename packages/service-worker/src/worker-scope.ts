/**
 * What this package uses of the global scope of a service worker. TypeScript's own types of it cannot be used beside those of
 * a page.
 */
export interface WorkerScope {
  readonly registration: { readonly scope: string }
  readonly clients: {
    claim(): Promise<void>
    matchAll(options: { readonly includeUncontrolled: boolean }): Promise<readonly unknown[]>
  }
  addEventListener(type: 'fetch', listener: (event: FetchEventLike) => void): void
  addEventListener(type: 'message', listener: (event: MessageEventLike) => void): void
}

/** A request of a page, or a navigation. */
export interface FetchEventLike {
  readonly request: Request
  respondWith(response: Promise<Response>): void
  waitUntil(work: Promise<unknown>): void
  stopImmediatePropagation(): void
}

/** A message of a page to its worker. */
interface MessageEventLike {
  readonly data: unknown
  waitUntil(work: Promise<unknown>): void
}
