import { unusableResponse } from '@oss-cse/crypto-core/internal'
import type { OssCall, OssClient } from '../http/oss-client.ts'
import { elementTree, type XmlElement } from '../xml/element-tree.ts'

/**
 * Sends the call of a listing and reads its page.
 *
 * @param read - reads the page from the root element. It may throw anything for a page that it cannot read
 * @param problemOf - tells why a listing must not follow the page
 * @throws TransportError `ERR_CSE_SERVICE` for a page that cannot be used
 */
export async function listedPage<Page>(
  client: OssClient,
  call: OssCall,
  root: string,
  read: (root: XmlElement) => Page,
  problemOf: (page: Page) => string | undefined,
): Promise<Page> {
  const { status, data } = await client.document(call, { root })
  const unusable = (problem: string) =>
    unusableResponse(client.contextOf(call), status, `its listing is not usable: ${problem}`)
  const element = elementTree(data)
  if (element === undefined) throw unusable('it is malformed')
  let page: Page
  try {
    page = read(element)
  } catch {
    throw unusable('it has malformed values')
  }
  const problem = problemOf(page)
  if (problem !== undefined) throw unusable(problem)
  return page
}
