export type { RecordedRequest } from './access-log.ts'
export { type OssEmulator, type StoredObject, startOssEmulator } from './emulator.ts'
export type { FaultInjection, FaultKind } from './faults.ts'
export type { CseSwitches, OssEmulatorOptions, RandomFaults } from './options.ts'
