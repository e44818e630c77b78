import { flatDocument, xmlDocumentProblem } from '@oss-cse/crypto-core/internal'
import OSS from 'ali-oss'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { xmlDocuments } from '../../test/xml-documents.ts'

const { parseXML } = OSS.prototype as unknown as {
  parseXML(xml: Buffer): Promise<string | Readonly<Record<string, unknown>>>
}

test('a flat document has the texts that the parser of ali-oss returns', async () => {
  let read = 0
  await fc.assert(
    fc.asyncProperty(xmlDocuments('InitiateMultipartUploadResult'), async (document) => {
      const data = Buffer.from(document)
      const texts = flatDocument(data)
      if (texts === undefined) return
      read += 1
      expect(xmlDocumentProblem(data)).toBeUndefined()
      const parsed = await parseXML(data)
      const { $: _attributes, ...elements } = typeof parsed === 'string' ? {} : parsed
      expect(Object.fromEntries(texts)).toEqual(elements)
    }),
    { numRuns: 1000 },
  )
  // Otherwise this test would prove nothing.
  expect(read).toBeGreaterThan(50)
})
