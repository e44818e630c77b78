import { unusableResponse } from '@oss-cse/crypto-core/internal'
import type { OssCall, OssClient } from '../http/oss-client.ts'

/**
 * Sends the call of a listing and reads its page.
 *
 * @param read - reads the document. Throws for one that it cannot read
 * @param problemOf - tells why a listing must not follow the page
 * @throws TransportError `ERR_CSE_SERVICE` for a page that cannot be used
 */
export async function listedPage<Page>(
  client: OssClient,
  call: OssCall,
  read: (data: Uint8Array) => Page,
  problemOf: (page: Page) => string | undefined,
): Promise<Page> {
  const { status, data } = await client.document(call)
  let page: Page | undefined
  try {
    page = read(data)
  } catch {
    // Malformed.
  }
  const problem = page === undefined ? 'it is malformed' : problemOf(page)
  if (page !== undefined && problem === undefined) return page
  throw unusableResponse(client.contextOf(call), status, `its listing is not usable: ${problem}`)
}
