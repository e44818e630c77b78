export { type ContractCase, expectCode, expectThat, rejection } from './expect.ts'
export type { ServiceFailure } from './failure-rule.ts'
export { MemoryTransport, type RecordedRequest, type StoredObject } from './memory-transport.ts'
export { type ProviderContractOptions, providerContract } from './provider-contract.ts'
export { createTestProvider, type TestProviderOptions } from './test-provider.ts'
export {
  type TransportContractOptions,
  type TransportUnderTest,
  transportContract,
} from './transport-contract.ts'
export { type UrlTransportContractOptions, urlTransportContract } from './url-transport-contract.ts'
