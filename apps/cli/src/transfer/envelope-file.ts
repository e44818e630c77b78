import { CseError, decodeEnvelope, type Envelope } from '@oss-cse/crypto-core'
import * as v from 'valibot'
import { CliError, systemCode } from '../base/cli-error.ts'
import { NotUtf8, readUtf8File } from '../base/read-utf8-file.ts'

const HeadersSchema = v.record(v.string(), v.union([v.string(), v.pipe(v.number(), v.transform(String))]))

/**
 * Reads the envelope from a file: a flat JSON object of headers, with names in any case. Other headers are ignored.
 *
 * @returns `undefined` when the file has no envelope header
 * @throws CliError of kind `notFound` when there is no such file; CseError `ERR_CSE_ENVELOPE_DAMAGED` and
 * `ERR_CSE_UNSUPPORTED_ALGORITHM`
 */
export async function readEnvelopeFile(path: string): Promise<Envelope | undefined> {
  const text = await readUtf8File(path).catch((cause: unknown) => {
    if (cause instanceof NotUtf8) throw damaged(`${path} is not valid UTF-8.`)
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new CliError('notFound', `The file ${path} does not exist.`, { cause })
    }
    throw new CliError('other', `The file ${path} cannot be read (${code ?? 'unknown'}).`, { cause })
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw damaged(`${path} is not valid JSON.`)
  }
  const headers = v.safeParse(HeadersSchema, value)
  if (!headers.success) throw damaged(`${path} is not a flat JSON object of header names and values.`)
  return decodeEnvelope(headers.output)
}

function damaged(message: string): CseError {
  return new CseError('ERR_CSE_ENVELOPE_DAMAGED', message)
}
