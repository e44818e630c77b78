export type {
  FleetCommand,
  JobQueue,
  NewRun,
  PlanProgress,
  PlanStep,
  RunSettings,
  RunState,
  RunStatus,
  ShardCounts,
  ShardTotals,
  TakenShard,
} from './job-queue.ts'
export { type Shard, shardName } from './shard.ts'
