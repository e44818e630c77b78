import { CseError } from '@oss-cse/crypto-core'

/** What a system's error code says of the directory of checkpoints, or of the machine, and what to do. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOENT: 'the directory does not exist and cannot be made',
  ENOTDIR: 'a file is in the place of a directory',
  EEXIST: 'a file is in the place of the directory',
  EISDIR: 'a directory is in the place of a file',
  ELOOP: 'a symbolic link is in the place of a file',
  ENAMETOOLONG: 'the path is too long',
  ENOSPC: 'there is no space left',
  EDQUOT: 'the quota of this user is used up',
}

const OUT_OF_FILES: Readonly<Record<string, string>> = {
  EMFILE: 'This process has too many files open (EMFILE): raise the limit (ulimit -n), or do less at once.',
  ENFILE: 'The system has too many files open (ENFILE): raise its limit, or close other programs.',
}

/** Tells whether an error says that no more files can be opened, which no directory is at fault for. */
export function isOutOfFiles(error: unknown): boolean {
  return Object.hasOwn(OUT_OF_FILES, codeOf(error))
}

/** The `ERR_CSE_CHECKPOINT` of a system error: what is at fault, and its code. */
export function checkpointFailure(directory: string, cause: unknown): CseError {
  const code = codeOf(cause)
  const outOfFiles = OUT_OF_FILES[code]
  if (outOfFiles !== undefined) return new CseError('ERR_CSE_CHECKPOINT', outOfFiles, { cause })
  const reason = REASONS[code] === undefined ? '' : `: ${REASONS[code]}`
  const named = code === '' ? '' : ` (${code})`
  return new CseError(
    'ERR_CSE_CHECKPOINT',
    `The checkpoints in ${directory} cannot be used${reason}${named}.`,
    { cause },
  )
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as NodeJS.ErrnoException
  return typeof code === 'string' ? code : ''
}
