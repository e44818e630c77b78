/** Another page of the same origin: its modules, its locks and its workers end with it. */
export interface Page {
  readonly modules: typeof import('./page-modules.ts')
  /** Closes the page, as a user closes a tab: what it does ends where it is. */
  close(): void
}

/**
 * Opens a page in a frame.
 *
 * @param policy - its Content-Security-Policy
 */
export async function openPage(policy = ''): Promise<Page> {
  const frame = document.createElement('iframe')
  const loaded = new Promise<Page['modules']>((resolve) => Object.assign(frame, { loaded: resolve }))
  const url = new URL('./page-modules.ts', import.meta.url).href
  frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="${policy}"><script type="module">
    import * as modules from ${JSON.stringify(url)}
    frameElement.loaded(modules)
  </script>`
  document.body.append(frame)
  return { modules: await loaded, close: () => frame.remove() }
}
