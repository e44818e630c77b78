import type OSS from 'ali-oss'

/** The class of ali-oss, without an instance. */
export type AliOss = typeof OSS

let loading: Promise<AliOss> | undefined

/**
 * Returns the class of ali-oss. It is loaded when it is needed, not with the transport, because that takes longer than
 * a program that reads one object takes for all else.
 */
export async function loadAliOss(): Promise<AliOss> {
  loading ??= import('ali-oss').then((module) => module.default)
  return loading
}
