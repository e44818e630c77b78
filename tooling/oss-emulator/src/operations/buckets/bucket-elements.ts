import type { XmlElement } from '../../protocol/xml.ts'
import type { BucketRecord } from '../../storage/records.ts'

/** The elements that each XML description of a bucket starts with. */
export function bucketElements(record: BucketRecord, region: string): XmlElement {
  return {
    CreationDate: record.created,
    ExtranetEndpoint: `oss-${region}.aliyuncs.com`,
    IntranetEndpoint: `oss-${region}-internal.aliyuncs.com`,
    Location: `oss-${region}`,
    Name: record.name,
  }
}
