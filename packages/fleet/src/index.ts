export { advancePlan, EMPTY_PLAN } from './advance-plan.ts'
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
export {
  addTotals,
  checkNewRun,
  checkSameRun,
  isOver,
  leaseLost,
  runIsCancelled,
  unknownRun,
} from './run-rules.ts'
export { type Shard, shardName } from './shard.ts'
