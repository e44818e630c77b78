declare module '#file-runs' {
  export const bindFileRuns: import('./file-runs.ts').BindFileRuns
}

/** One copy for all entry points, because a page may allow only one Trusted Types policy of a name. */
declare module '#start-worker' {
  export const startWorker: typeof import('./start-worker.web.ts').startWorker
}

/** Written by the build: `part-worker.web.ts` with all that it imports. */
declare module '#part-worker' {
  export const source: string
}

/** Written by the build: `file-worker.web.ts` with all that it imports. */
declare module '#file-worker' {
  export const source: string
}
