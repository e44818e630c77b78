export {
  createKeyServer,
  type KeyServer,
  type KeyServerFailure,
  type KeyServerOptions,
  type RequestedKey,
} from './server/create-key-server.ts'
export type { UserRateOptions } from './server/user-rates.ts'
