export { RemoteProvider, type RemoteProviderOptions } from './remote-provider.ts'
