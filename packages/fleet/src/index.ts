export { advancePlan, EMPTY_PLAN } from './advance-plan.ts'
export { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts'
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
export { type ListingOptions, shardObjects } from './ordered-listing.ts'
export { type PlanOptions, planShards, type ShardingOptions } from './plan-shards.ts'
export { type ProgressSample, type RunProgress, runProgress } from './run-progress.ts'
export {
  addTotals,
  checkNewRun,
  checkSameRun,
  isOver,
  leaseLost,
  runIsCancelled,
  unknownRun,
} from './run-rules.ts'
export { runWorker } from './run-worker.ts'
export { type Shard, shardName } from './shard.ts'
export type { ShardContext, WorkerEvent, WorkerOptions } from './worker-options.ts'
