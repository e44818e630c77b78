declare module '#file-runs' {
  export const bindFileRuns: import('./file-runs.ts').BindFileRuns
}
