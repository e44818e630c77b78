export { FetchTransport } from './fetch-transport.ts'
