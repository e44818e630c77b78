import type { AliOssClient, RequestParams } from '../ali-oss/ali-oss-client.ts'

/**
 * Lets ali-oss send a GET and parse its document. For operations whose own methods in ali-oss lose a part of it.
 *
 * @returns the content of the root element: child elements by name, or a text. Several elements of one name are an array
 */
export async function requestDocument(
  client: AliOssClient,
  params: Pick<RequestParams, 'object' | 'subres' | 'query' | 'headers'>,
): Promise<unknown> {
  const bucket = client.options.bucket ?? ''
  const result = await client.request({
    method: 'GET',
    bucket,
    ...params,
    xmlResponse: true,
    successStatuses: [200],
  })
  return (result as { readonly data: unknown }).data
}

/** Returns the child elements with one name: none, one or several. */
export function childElements<Child>(parent: unknown, name: string): readonly Child[] {
  if (typeof parent !== 'object' || parent === null) return []
  const children = parent as Readonly<Record<string, Child | readonly Child[]>>
  const found = Object.hasOwn(children, name) ? children[name] : undefined
  if (found === undefined) return []
  return Array.isArray(found) ? found : [found as Child]
}

/** Returns the text of the child element with this name, if there is one such element, and it has only text. */
export function childText(parent: unknown, name: string): string | undefined {
  const [text, ...others] = childElements<unknown>(parent, name)
  return typeof text === 'string' && others.length === 0 ? text : undefined
}
