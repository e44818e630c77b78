import { createHash } from 'node:crypto'
import { combineCrc64 } from '@oss-cse/crypto-core/internal'
import { invalidArgument, malformedXml } from '../../protocol/error-catalog.ts'
import { OssError } from '../../protocol/oss-error.ts'
import { type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { serviceTime } from '../../protocol/service-time.ts'
import { childElements, childText, parseXml } from '../../protocol/xml.ts'
import type { Upload } from '../../storage/object-store.ts'
import type { PartRecord } from '../../storage/records.ts'
import { checkAcl, OBJECT_ACLS } from '../acl.ts'
import { checkPartCount } from '../cse-rules.ts'
import { encodingElement, keyEncoder } from '../key-encoding.ts'
import { type OperationContext, readDocument } from '../operation-context.ts'
import { addVersion, checkForbidOverwrite, versionHeader } from '../versions.ts'
import { existingUpload } from './existing-upload.ts'

const MIN_PART_BYTES = 100 * 1024

/** CompleteMultipartUpload. Joins records only: the bytes of the parts are neither read nor copied. */
export async function completeMultipartUpload(context: OperationContext): Promise<OssResponse> {
  const { request, store, bucket, key } = context
  const text = await readDocument(context)
  const upload = existingUpload(context)
  const acl = request.header('x-oss-object-acl') ?? 'default'
  checkAcl(acl, OBJECT_ACLS, 'x-oss-object-acl')
  const parts =
    request.header('x-oss-complete-all')?.toLowerCase() === 'yes'
      ? allParts(upload, text)
      : listedParts(upload, text)
  checkPartCount(parts.length, Object.fromEntries(request.headers), upload.record.headers, context.cse)
  for (const part of parts.slice(0, -1)) {
    if (part.sizeBytes < MIN_PART_BYTES) throw tooSmall(part)
  }
  checkForbidOverwrite(context)
  const version = addVersion(context, {
    ...joined(parts),
    type: 'Multipart',
    lastModified: serviceTime(context.now()),
    headers: upload.record.headers,
    storageClass: upload.record.storageClass,
    acl,
    tags: upload.record.tags,
  })
  store.removeUpload(upload.record.uploadId)
  return xmlResponse(
    {
      CompleteMultipartUploadResult: {
        ...encodingElement(request),
        Location: `http://${context.authority}/${bucket}/${encodeURI(key)}`,
        Bucket: bucket,
        Key: keyEncoder(request)(key),
        ETag: `"${version.etag}"`,
      },
    },
    {
      ETag: `"${version.etag}"`,
      'x-oss-hash-crc64ecma': version.crc64,
      ...versionHeader(context, version),
    },
  )
}

function allParts(upload: Upload, body: string): readonly PartRecord[] {
  if (body.trim() !== '') {
    throw invalidArgument('Should not speficy both complete all header and http body.', '0042-00000216')
  }
  if (upload.parts.size === 0) throw invalidArgument('The upload has no parts.')
  return [...upload.parts.values()].sort((a, b) => a.partNumber - b.partNumber)
}

function listedParts(upload: Upload, body: string): readonly PartRecord[] {
  const listed = childElements(parseXml(body, 'CompleteMultipartUpload', '0042-00000205'), 'Part').map(
    (part) => ({
      number: Number(childText(part, 'PartNumber')?.trim() ?? Number.NaN),
      etag: childText(part, 'ETag')?.trim().replace(/^"|"$/g, '').toUpperCase(),
    }),
  )
  if (
    listed.length === 0 ||
    listed.some(({ number, etag }) => !Number.isInteger(number) || etag === undefined)
  ) {
    throw malformedXml('0042-00000205')
  }
  for (const [index, { number }] of listed.entries()) {
    if (number <= (listed[index - 1]?.number ?? 0)) {
      throw new OssError(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.')
    }
  }
  return listed.map(({ number, etag }) => {
    const part = upload.parts.get(number)
    if (part === undefined || part.etag !== etag) {
      throw new OssError(
        400,
        'InvalidPart',
        "One or more of the specified parts could not be found or the specified entity tag might not have matched the part's entity tag.",
        { details: { PartNumber: String(number), UploadId: upload.record.uploadId } },
      )
    }
    return part
  })
}

function tooSmall(part: PartRecord): OssError {
  return new OssError(400, 'EntityTooSmall', 'Your proposed upload smaller than the minimum allowed size.', {
    ec: '0042-00000213',
    details: {
      ETag: part.etag,
      MinSizeAllowed: String(MIN_PART_BYTES),
      ProposedSize: String(part.sizeBytes),
      PartNumber: String(part.partNumber),
    },
  })
}

function joined(parts: readonly PartRecord[]): Pick<PartRecord, 'sizeBytes' | 'etag' | 'crc64' | 'extents'> {
  const md5 = createHash('md5')
  let crc64 = 0n
  let sizeBytes = 0
  for (const part of parts) {
    md5.update(Buffer.from(part.etag, 'hex'))
    crc64 = combineCrc64(crc64, BigInt(part.crc64), part.sizeBytes)
    sizeBytes += part.sizeBytes
  }
  return {
    sizeBytes,
    etag: `${md5.digest('hex').toUpperCase()}-${parts.length}`,
    crc64: crc64.toString(),
    extents: parts.flatMap((part) => part.extents),
  }
}
