declare module '#file-runs' {
  export const bindFileRuns: import('./file-runs.ts').BindFileRuns
}

/** Written by the build: `part-worker.web.ts` with all that it imports. */
declare module '#part-worker' {
  export const source: string
}

/** Written by the build: `file-worker.web.ts` with all that it imports. */
declare module '#file-worker' {
  export const source: string
}
