import {
  type CallOptions,
  callWithRetries,
  checkedRetryOptions,
  hasVersionCatalog,
  type RetryOptions,
  type VersionCatalog,
} from '@oss-cse/crypto-core'
import { configurationError } from '../base/cli-error.ts'
import type { Place } from './run-settings.ts'

/** Options of the check of a place. */
export interface CheckPlaceOptions extends CallOptions {
  /** How the request is retried. */
  readonly retry?: RetryOptions | undefined
}

/**
 * Refuses a bucket that is not one for the place, before anything is stored.
 *
 * @param bucket - the name of the bucket to write to
 * @throws CliError of kind `configuration`; what the transport throws; the signal's reason
 */
export async function checkPlace(
  { mode }: Place,
  bucket: string,
  transport: object & Partial<VersionCatalog>,
  { retry, signal }: CheckPlaceOptions,
): Promise<void> {
  if (!hasVersionCatalog(transport)) return
  const versioning = await callWithRetries(() => transport.getVersioning({ signal }), {
    retry: checkedRetryOptions(retry),
    signal,
  })
  if (mode !== 'into' && versioning === 'Suspended') {
    throw configurationError(
      `The versioning of the bucket ${bucket} is suspended, so a newer object could be overwritten unnoticed. Enable versioning, or write into another bucket (--into).`,
    )
  }
  if (mode === 'versioned' && versioning !== 'Enabled') {
    throw configurationError(
      `The bucket ${bucket} does not keep versions (its versioning is ${versioning}), so a newer object could be overwritten unnoticed. Enable versioning, write into another bucket (--into), or pause all writers (--writers-are-paused).`,
    )
  }
  if (mode !== 'versioned' && versioning !== 'Unversioned') {
    throw configurationError(
      mode === 'into'
        ? `The bucket ${bucket} keeps versions (its versioning is ${versioning}), where the service ignores that overwriting is forbidden. Name a bucket that never kept versions.`
        : `The bucket ${bucket} keeps versions (its versioning is ${versioning}). Leave out --writers-are-paused.`,
    )
  }
}
