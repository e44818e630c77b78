import { printable } from '@oss-cse/crypto-core/internal'
import type { CorsConfiguration, CorsRule } from '@oss-cse/transport-oss'
import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { configurationError, usageError } from '../base/cli-error.ts'
import { ToldFailure } from '../output/failure.ts'
import { addReportOptions, type ReportFlags, reportDone, show } from '../output/report.ts'
import { writeChunk } from '../output/stream-writer.ts'
import { type CorsGap, corsGaps, neededRule, withRule } from '../server/cors-rules.ts'
import { parseOssUrl } from '../server/oss-url.ts'
import { addServerOptions, type ServerFlags, serverConfig } from '../server/server-options.ts'

interface CorsFlags extends ServerFlags, ReportFlags {
  readonly origin?: readonly string[]
  readonly metadata?: readonly string[]
  readonly set?: boolean
  readonly check?: boolean
  readonly yes?: boolean
}

/** Adds `oss-cse cors`. */
export function addCors(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('cors')
    .description(
      'print, check or set the CORS rule that a bucket needs for web pages that encrypt or decrypt',
    )
    .argument('[url]', 'oss://BUCKET; only --check and --set need it')
    .option('--origin <origin...>', 'origins of the pages, such as https://app.example; one * in each')
    .option(
      '--metadata <name...>',
      'names of the user metadata that the pages read, without x-oss-meta- (default: none)',
    )
    .option('--check', 'compare the rules of the bucket with this rule, and list what they lack')
    .option('--set', 'add this rule to the bucket; rules for other origins stay')
    .option('--yes', 'do not ask before --set')
  addReportOptions(addServerOptions(command))
    .addHelpText(
      'after',
      `
Without --check and --set, it only prints the rule, and sends no request. If the rules of the bucket lack something, --check
exits with 3. The first rule that allows a request counts. So --set puts its rule first, lets it expose what these origins
could read before, and removes the rules that could no longer apply. If nothing is missing, it changes nothing.

Fields of --json: bucket, rule (allowedOrigins, allowedMethods, allowedHeaders, exposeHeaders, maxAgeSeconds);
with --check sufficient, missing (each origin, methods, lacks, exposeHeaders); with --set changed, ruleCount`,
    )
    .action((url: string | undefined, flags: CorsFlags) => cors(url, flags, cli))
}

async function cors(url: string | undefined, flags: CorsFlags, cli: CliEnvironment): Promise<void> {
  const bucket = url === undefined ? undefined : bucketOf(url)
  if (flags.set && flags.check) throw usageError('--set and --check exclude each other: --set also checks.')
  if (flags.yes && !flags.set) throw usageError('--yes requires --set.')
  const rule = neededRule(flags.origin ?? [], flags.metadata ?? [])
  if (!flags.set && !flags.check) {
    await show(cli, flags, { ...(bucket !== undefined && { bucket }), rule }, ruleLines(rule))
    return
  }
  if (bucket === undefined) {
    throw usageError(
      `${flags.set ? '--set' : '--check'} needs the URL of the bucket: oss-cse cors oss://BUCKET`,
    )
  }
  const transport = await cli.openTransport(serverConfig(flags, cli), bucket)
  const current = await transport.getCors({ signal: cli.signal })
  const missing = corsGaps(current.rules, rule)
  if (flags.check) {
    await reportCheck(bucket, rule, missing, flags, cli)
    return
  }
  const next = missing.length === 0 ? current : withRule(current, rule)
  if (next !== current) {
    if (!flags.yes) await ask(bucket, current, next, cli)
    await transport.putCors(next, { signal: cli.signal })
  }
  const changed = next !== current
  const ruleCount = next.rules.length
  const done = changed
    ? `Set the CORS rule of the bucket ${bucket}`
    : `Nothing was missing in the bucket ${bucket}`
  await reportDone(
    cli,
    flags,
    { bucket, changed, ruleCount, rule: changed ? next.rules[0] : rule },
    `${done}, for pages of ${rule.allowedOrigins.join(', ')}. It has ${ruleCount} ${ruleCount === 1 ? 'rule' : 'rules'}.`,
  )
}

function bucketOf(url: string): string {
  const { bucket, key } = parseOssUrl(url)
  if (key !== '') throw usageError(`${url} names more than a bucket. Write oss://BUCKET.`)
  return bucket
}

async function reportCheck(
  bucket: string,
  rule: CorsRule,
  missing: readonly CorsGap[],
  flags: CorsFlags,
  cli: CliEnvironment,
): Promise<void> {
  const sufficient = missing.length === 0
  const origins = rule.allowedOrigins.join(', ')
  const result = { bucket, sufficient, missing, rule }
  if (sufficient) {
    const done = `The CORS rules of the bucket ${bucket} allow all that pages of ${origins} need.`
    await reportDone(cli, flags, result, done)
    return
  }
  await show(cli, flags, result, missing.map(gapLine))
  const failure = configurationError(
    `The CORS rules of the bucket ${bucket} lack something for pages of ${origins}. To add it, run the same command with --set in place of --check.`,
  )
  throw flags.json ? new ToldFailure(failure) : failure
}

async function ask(
  bucket: string,
  current: CorsConfiguration,
  next: CorsConfiguration,
  cli: CliEnvironment,
): Promise<void> {
  const [rule, ...others] = next.rules
  const removed = current.rules.length - others.length
  const lines = [
    `The first CORS rule of the bucket ${bucket} becomes:`,
    '',
    ...(rule === undefined ? [] : ruleLines(rule)),
    '',
    `Other rules that stay: ${others.length}. Rules that can no longer apply, and are removed: ${removed}.`,
  ]
  await writeChunk(cli.stderr, `${lines.map(printable).join('\n')}\n`, cli.signal)
  // With the runs of a fleet, which ask too.
  const { confirm } = await import('../output/confirm.ts')
  await confirm(cli, 'Set it?')
}

/** The fields of a rule as the console of OSS has them: one header in each line can be pasted there. */
function ruleLines(rule: CorsRule): string[] {
  const { allowedOrigins, allowedMethods, allowedHeaders, exposeHeaders, maxAgeSeconds } = rule
  return [
    `AllowedOrigin:  ${allowedOrigins.join(', ')}`,
    `AllowedMethod:  ${allowedMethods.join(', ')}`,
    `AllowedHeader:  ${allowedHeaders.join(', ')}`,
    ...(maxAgeSeconds === undefined ? [] : [`MaxAgeSeconds:  ${maxAgeSeconds}`]),
    'ExposeHeader:',
    ...exposeHeaders,
  ]
}

function gapLine({ origin, methods, lacks, exposeHeaders = [] }: CorsGap): string {
  const requests = methods.join(', ')
  if (lacks === 'method') return `${origin}: no rule allows ${requests}`
  if (lacks === 'headers')
    return `${origin}: ${requests}: no rule allows all request headers (AllowedHeader *)`
  return `${origin}: ${requests}: not exposed: ${exposeHeaders.join(', ')}`
}
