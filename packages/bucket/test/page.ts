/** Another page of the same origin: its modules, its locks and its workers end with it. */
export interface Page {
  readonly modules: typeof import('./page-modules.ts')
  /** Closes the page, as a user closes a tab: what it does ends where it is. */
  close(): void
}

/** Opens a page in a frame. */
export async function openPage(): Promise<Page> {
  const frame = document.createElement('iframe')
  const loaded = new Promise<Page['modules']>((resolve) => Object.assign(frame, { loaded: resolve }))
  const url = new URL('./page-modules.ts', import.meta.url).href
  frame.srcdoc = `<script type="module">
    import * as modules from ${JSON.stringify(url)}
    frameElement.loaded(modules)
  </script>`
  document.body.append(frame)
  return { modules: await loaded, close: () => frame.remove() }
}
