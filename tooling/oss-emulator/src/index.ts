export type { RecordedRequest } from './access-log.ts'
export { type OssEmulator, type StoredObject, startOssEmulator } from './emulator.ts'
export type { FaultInjection, FaultKind, RandomFaults } from './faults.ts'
export type { CseSwitches, OssEmulatorOptions } from './options.ts'
