// Takes the shard of a run, and holds it until it is killed.
import { openPostgresQueue } from '@oss-cse/fleet-pgboss'

const { options, runId } = JSON.parse(process.argv[2])
const queue = await openPostgresQueue(options)
await queue.take(runId)
process.send('held')
