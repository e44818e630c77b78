import { CseError } from '@oss-cse/crypto-core'

/** The meaning of a system's error code for the checkpoint directory or the machine. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'you have no permission to write there',
  EPERM: 'you have no permission to write there',
  EROFS: 'the file system is read-only',
  ENOENT: 'the directory does not exist and cannot be created',
  ENOTDIR: 'a file is where a directory should be',
  EEXIST: 'a file is where the directory should be',
  EISDIR: 'a directory is where a file should be',
  ELOOP: 'a symbolic link is where a file should be',
  ENAMETOOLONG: 'the path is too long',
  ENOSPC: 'no space is left',
  EDQUOT: 'your disk quota is used up',
}

const OUT_OF_FILES: Readonly<Record<string, string>> = {
  EMFILE: 'This process has too many files open (EMFILE): raise the limit (ulimit -n), or do less at once.',
  ENFILE: 'The system has too many files open (ENFILE): raise its limit, or close other programs.',
}

/** Returns whether an error means that no more files can be opened, which is not a problem of the directory. */
export function isOutOfFiles(error: unknown): boolean {
  return Object.hasOwn(OUT_OF_FILES, codeOf(error))
}

/** The `ERR_CSE_CHECKPOINT` of a system error, with its reason and its code. */
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
