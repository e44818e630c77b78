export { combineCrc64 } from './combine-crc64.ts'
export { type Crc64, createCrc64 } from './crc64.ts'
