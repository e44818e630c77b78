import type { OssError } from '../protocol/oss-error.ts'
import { buildXml } from '../protocol/xml.ts'

/** The XML document of an error. The root has no namespace: the PHP SDK looks for a literal `<Error>`. */
export function errorXml(error: OssError, requestId: string, hostId: string): string {
  return buildXml({
    Error: {
      Code: error.code,
      Message: error.message,
      RequestId: requestId,
      HostId: hostId,
      ...error.details,
      ...(error.ec === undefined
        ? {}
        : { EC: error.ec, RecommendDoc: `https://api.aliyun.com/troubleshoot?q=${error.ec}` }),
    },
  })
}
