import { malformedXml } from '../protocol/error-catalog.ts'
import { OssError } from '../protocol/oss-error.ts'
import { parseQuery } from '../protocol/oss-request.ts'
import { childElements, childText, parseXml, type XmlElement } from '../protocol/xml.ts'
import type { Tag } from '../storage/records.ts'

const MAX_TAGS = 10
const MAX_KEY_BYTES = 128
const MAX_VALUE_BYTES = 256
const ALLOWED = /^[\p{L}\p{N} +\-=._:/]*$/u

/** The tags of an `x-oss-tagging` header: `a=1&b=2`, URL-encoded. */
export function parseTagHeader(header: string | undefined): readonly Tag[] {
  if (header === undefined || header === '') return []
  return checkedTags(parseQuery(header).map(({ name, value }) => ({ key: name, value })))
}

/** The tags of a PutObjectTagging request body. */
export function parseTagXml(text: string): readonly Tag[] {
  const [set] = childElements(parseXml(text, 'Tagging'), 'TagSet')
  if (set === undefined) throw malformedXml()
  return checkedTags(
    childElements(set, 'Tag').map((tag) => {
      const key = childText(tag, 'Key')
      if (key === undefined) throw malformedXml()
      return { key, value: childText(tag, 'Value') ?? '' }
    }),
  )
}

/** The XML document of a GetObjectTagging response. */
export function tagElements(tags: readonly Tag[]): XmlElement {
  return { Tagging: { TagSet: { Tag: tags.map(({ key, value }) => ({ Key: key, Value: value })) } } }
}

function checkedTags(tags: readonly Tag[]): readonly Tag[] {
  if (tags.length > MAX_TAGS) throw invalidTag('Object tags cannot be greater than 10')
  const keys = new Set<string>()
  for (const { key, value } of tags) {
    if (key === '' || Buffer.byteLength(key) > MAX_KEY_BYTES || !ALLOWED.test(key)) {
      throw invalidTag('The TagKey you have provided is invalid')
    }
    if (Buffer.byteLength(value) > MAX_VALUE_BYTES || !ALLOWED.test(value)) {
      throw invalidTag('The TagValue you have provided is invalid')
    }
    if (keys.has(key)) throw invalidTag('Cannot provide multiple Tags with the same key')
    keys.add(key)
  }
  return tags
}

function invalidTag(message: string): OssError {
  return new OssError(400, 'InvalidTag', message)
}
