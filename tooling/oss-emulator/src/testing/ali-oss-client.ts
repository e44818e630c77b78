import OSS from 'ali-oss'
import type { OssEmulator } from '../emulator.ts'

/** A client of ali-oss. Its published types lack much of what the tests call. */
// biome-ignore lint/suspicious/noExplicitAny: the published types of ali-oss do not fit what it does
export type AliOssClient = any

/** A client for the `demo` bucket in path style. */
export function aliOssClient(
  emulator: OssEmulator,
  options: Readonly<Record<string, unknown>> = {},
): AliOssClient {
  return new OSS({
    endpoint: emulator.endpoint,
    sldEnable: true,
    bucket: 'demo',
    region: `oss-${emulator.region}`,
    accessKeyId: emulator.accessKeyId,
    accessKeySecret: emulator.accessKeySecret,
    ...options,
  } as unknown as OSS.Options)
}
