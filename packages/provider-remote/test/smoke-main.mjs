// Runs in Node.js and Deno: see `smoke-runtimes.mjs`.
import { smokePair } from './smoke-pair.mjs'

console.log(await smokePair())
