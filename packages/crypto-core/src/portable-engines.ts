// What a runtime without WebCrypto loads. One module, so that it is one file of a bundle.
export { aesCtr } from './aes-ctr.noble.ts'
export { digestEngine } from './digest-engine.noble.ts'
export { sealEngine } from './seal-engine.noble.ts'
