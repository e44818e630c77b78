import type { WebFile } from './web-file.web.ts'

/** What the worker can do with its file. The first call opens it. */
export type FileCalls = WebFile & { open(handle: FileSystemFileHandle): Promise<void> }

/** A call that the worker makes. */
export type FileCall = {
  [Name in keyof FileCalls]: {
    readonly id: number
    readonly call: Name
    readonly given: Parameters<FileCalls[Name]>
  }
}[keyof FileCalls]

/** What a call returned or threw. */
export type FileCallResult =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: unknown }
