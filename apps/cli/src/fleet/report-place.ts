import { join, resolve } from 'node:path'
import {
  type IntentStore,
  ObjectReportStore,
  type ObjectReportStoreOptions,
  REPORT_FILES,
  type ReportStore,
} from '@oss-cse/fleet'
import { FileReportStore } from '@oss-cse/fleet/node'
import type { CliEnvironment, CliTransport } from '../base/cli-environment.ts'
import { usageError } from '../base/cli-error.ts'
import type { ServerConfig } from '../base/server-config.ts'
import { formatOssUrl, isOssUrl, type OssUrl, parseOssUrl } from '../server/oss-url.ts'
import type { FleetDirectory } from './fleet-directory.ts'
import type { FleetSettings } from './run-settings.ts'

/** The report of a run. */
export interface RunReport {
  readonly store: ReportStore & IntentStore
  /** The directory or the URL where it is, for a person. */
  readonly place: string
  /** The files and URLs of the merged report, by what is in them. */
  readonly files: Readonly<Record<keyof typeof REPORT_FILES, string>>
}

/** Opens the report of a run. */
export interface ReportOptions {
  readonly runId: string
  readonly settings: Pick<FleetSettings, 'report'>
  /** Where the report of an embedded run is by default. */
  readonly directory: Pick<FleetDirectory, 'reportPath'> | undefined
  readonly server: () => ServerConfig
  /** Limits the requests to a bucket. */
  readonly limited?: ((transport: CliTransport) => Pick<CliTransport, 'list' | 'deleteMany'>) | undefined
}

/**
 * Checks where a report is to go, and returns it as the settings of the run contain it.
 *
 * @param objects - what the run is about: the report must not become part of it
 * @throws CliError of kind `usage`
 */
export function reportSetting(text: string, objects: OssUrl): string {
  if (!isOssUrl(text)) {
    if (text === '') throw usageError('--report is empty. Name a directory, or oss://BUCKET/PREFIX/.')
    return resolve(text)
  }
  const { bucket, key } = parseOssUrl(text)
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`
  if (bucket === objects.bucket && prefix.startsWith(objects.key)) {
    throw usageError(
      `The report would be among the objects of the run, ${formatOssUrl(objects)}. Give --report another bucket or prefix.`,
    )
  }
  return formatOssUrl({ bucket, key: prefix })
}

/** Opens the report of a run: a directory or prefix of its own in the place that the settings name. */
export async function openReport(
  { runId, settings, directory, server, limited = (transport) => transport }: ReportOptions,
  cli: CliEnvironment,
): Promise<RunReport> {
  const { report } = settings
  if (report !== undefined && isOssUrl(report)) {
    const { bucket, key } = parseOssUrl(report)
    const prefix = `${key}${runId}/`
    const transport = limited(await cli.openTransport(server(), bucket))
    const place = formatOssUrl({ bucket, key: prefix })
    const ports = transport as unknown as ObjectReportStoreOptions['transport']
    const store = new ObjectReportStore({ transport: ports, catalog: transport, prefix })
    return { store, place, files: filesIn((name) => `${place}${name}`) }
  }
  const path = report === undefined ? directory?.reportPath(runId) : join(report, runId)
  if (path === undefined) throw usageError('The run has no place for a report.')
  return {
    store: new FileReportStore({ directory: path }),
    place: path,
    files: filesIn((name) => join(path, name)),
  }
}

function filesIn(located: (name: string) => string): RunReport['files'] {
  const { rows, csv, summary } = REPORT_FILES
  return { rows: located(rows), csv: located(csv), summary: located(summary) }
}
