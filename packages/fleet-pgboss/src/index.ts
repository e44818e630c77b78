export {
  type EmbeddedQueueOptions,
  openEmbeddedQueue,
  openPostgresQueue,
  type PgBossQueueOptions,
  type PostgresQueueOptions,
} from './open-queue.ts'
export type { PgBossJobQueue } from './pgboss-job-queue.ts'
