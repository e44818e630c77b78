export { advancePlan, EMPTY_PLAN } from './advance-plan.ts'
export { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts'
export type { InventorySource } from './inventory/inventory-manifest.ts'
export {
  checkInventory,
  type InventoryOptions,
  type InventoryPlanOptions,
  planFromInventory,
} from './inventory/plan-from-inventory.ts'
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
  type MigrateObjectOptions,
  type MigrateShardOptions,
  type MigrationOptions,
  migrateObject,
  migrateShard,
} from './migrate-object.ts'
export { type AuditShardOptions, auditShard } from './objects/audit-shard.ts'
export { type Classification, classify } from './objects/classify.ts'
export { type VerifyShardOptions, verifyShard } from './objects/verify-shard.ts'
export { type ListingOptions, shardObjects } from './ordered-listing.ts'
export {
  type Intent,
  type IntentEntry,
  type IntentRecord,
  type IntentStore,
  MemoryIntentStore,
} from './placement/intent-store.ts'
export { type PlanOptions, planShards, type ShardingOptions } from './plan-shards.ts'
export { keyRedactor } from './report/key-redaction.ts'
export { type LatestPart, latestParts, partName } from './report/latest-parts.ts'
export { type MergeReportOptions, mergeReport, REPORT_FILES } from './report/merge-report.ts'
export { ObjectReportStore, type ObjectReportStoreOptions } from './report/object-report-store.ts'
export {
  formatRow,
  parseRow,
  REPORT_FIELDS,
  REPORT_OUTCOMES,
  type ReportOutcome,
  type ReportRow,
} from './report/report-row.ts'
export type { ReportStore } from './report/report-store.ts'
export { type ReportSummary, summaryTable } from './report/report-summary.ts'
export type { KeyTotals, ObjectTotals } from './report/report-totals.ts'
export { type WritePartOptions, writePart } from './report/write-part.ts'
export type { FleetTransport, PlacementChoice } from './rewrite/open-placement.ts'
export type { RewriteObjectOptions, RewriteShardOptions } from './rewrite/rewrite-shard.ts'
export {
  type RotateObjectOptions,
  type RotateShardOptions,
  type RotationOptions,
  rotateObject,
  rotateShard,
} from './rotate-object.ts'
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
export type { Throttle } from './throttle/throttle.ts'
export { type ThrottledCall, throttledTransport } from './throttle/throttled-transport.ts'
export {
  type ThrottleClock,
  TokenBucketThrottle,
  type TokenBucketThrottleOptions,
} from './throttle/token-bucket-throttle.ts'
export type { ShardContext, WorkerEvent, WorkerOptions } from './worker-options.ts'
