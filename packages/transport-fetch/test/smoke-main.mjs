// Runs in Deno and Bun: `deno run --allow-net --allow-env smoke-main.mjs`, `bun smoke-main.mjs`.
import { FetchTransport } from '../dist/index.js'
import { smokeCalls } from './smoke-calls.mjs'

const options = JSON.parse(globalThis.process.env['EMULATOR'] ?? '{}')
console.log(await smokeCalls(FetchTransport, options))
