// Loaded before the command line (`--import`): leases of its queue in PostgreSQL then last LEASE_SECONDS, in place of the
// minute that is right for users. The lab is told when the process begins its work.
import { registerHooks } from 'node:module'

const QUEUE = '@oss-cse/fleet-pgboss'
const SHORT = new URL('./short-lease-queue.js', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === QUEUE && context.parentURL !== SHORT ? SHORT : specifier, context),
})
