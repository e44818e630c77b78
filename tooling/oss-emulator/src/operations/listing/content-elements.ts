import type { XmlElement } from '../../protocol/xml.ts'
import type { ObjectRecord } from '../../storage/records.ts'

/** The elements that describe the content of an object. */
export function contentElements(object: ObjectRecord): XmlElement {
  return {
    ETag: `"${object.etag}"`,
    Type: object.type,
    Size: object.sizeBytes,
    StorageClass: object.storageClass,
  }
}
