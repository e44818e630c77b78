import { invalidArgument, malformedXml } from '../protocol/error-catalog.ts'
import { childElements, childText, childTexts, parseXml, type XmlElement } from '../protocol/xml.ts'
import type { CorsConfiguration, CorsRule } from './cors-rule.ts'

/** The methods that a rule can allow. */
export const CORS_METHODS: readonly string[] = ['GET', 'PUT', 'DELETE', 'POST', 'HEAD']
/** The name of a header, RFC 9110 5.1. Any other character would break the response that carries it. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const PRINTABLE = /^[\x21-\x7e]+$/
const MAX_RULES = 20
const MAX_AGE_SECONDS = 999_999_999

/**
 * Parses the document of a PutBucketCors request.
 *
 * @throws OssError `MalformedXML`, or `InvalidArgument` for a value that is not allowed
 */
export function parseCorsXml(text: string): CorsConfiguration {
  const root = parseXml(text, 'CORSConfiguration')
  const rules = childElements(root, 'CORSRule').map(parsedRule)
  const responseVary = childText(root, 'ResponseVary')?.trim().toLowerCase() ?? 'false'
  if (responseVary !== 'true' && responseVary !== 'false') throw malformedXml()
  return checkedCors({ rules, responseVary: responseVary === 'true' })
}

/**
 * Checks a configuration. The documentation does not name the error code for each rule.
 *
 * @throws OssError `MalformedXML` if something is missing, `InvalidArgument` for a value that is not allowed
 */
export function checkedCors(configuration: CorsConfiguration): CorsConfiguration {
  const { rules } = configuration
  if (rules.length === 0) throw malformedXml('0034-00000002')
  if (rules.length > MAX_RULES) throw invalidArgument(`A bucket has at most ${MAX_RULES} CORS rules.`)
  for (const rule of rules) checkRule(rule)
  return configuration
}

/** The document of a GetBucketCors response. */
export function corsElements({ rules, responseVary }: CorsConfiguration): XmlElement {
  return {
    CORSConfiguration: {
      CORSRule: rules.map((rule) => ({
        AllowedOrigin: rule.allowedOrigins,
        AllowedMethod: rule.allowedMethods,
        AllowedHeader: rule.allowedHeaders,
        ExposeHeader: rule.exposeHeaders,
        ...(rule.maxAgeSeconds === undefined ? {} : { MaxAgeSeconds: rule.maxAgeSeconds }),
      })),
      ResponseVary: responseVary,
    },
  }
}

function parsedRule(element: XmlElement): CorsRule {
  const texts = (name: string): readonly string[] => childTexts(element, name).map((text) => text.trim())
  const [maxAge, ...more] = texts('MaxAgeSeconds')
  if (more.length > 0) throw malformedXml()
  return {
    allowedOrigins: texts('AllowedOrigin'),
    allowedMethods: texts('AllowedMethod'),
    allowedHeaders: texts('AllowedHeader'),
    exposeHeaders: texts('ExposeHeader'),
    ...(maxAge === undefined ? {} : { maxAgeSeconds: /^\d+$/.test(maxAge) ? Number(maxAge) : Number.NaN }),
  }
}

function checkRule(rule: CorsRule): void {
  if (rule.allowedOrigins.length === 0 || rule.allowedMethods.length === 0) throw malformedXml()
  for (const method of rule.allowedMethods) {
    if (!CORS_METHODS.includes(method)) throw invalid('AllowedMethod', method, '0034-00000011')
  }
  for (const origin of rule.allowedOrigins) {
    if (!PRINTABLE.test(origin) || stars(origin) > 1) throw invalid('AllowedOrigin', origin)
  }
  for (const header of rule.allowedHeaders) {
    if (!HEADER_NAME.test(header) || stars(header) > 1) throw invalid('AllowedHeader', header)
  }
  for (const header of rule.exposeHeaders) {
    if (!HEADER_NAME.test(header) || stars(header) > 0) throw invalid('ExposeHeader', header, '0034-00000013')
  }
  const { maxAgeSeconds: age } = rule
  if (age !== undefined && !(Number.isInteger(age) && age >= 0 && age <= MAX_AGE_SECONDS)) {
    throw invalid('MaxAgeSeconds', String(age))
  }
}

function stars(text: string): number {
  return text.split('*').length - 1
}

function invalid(name: string, value: string, ec?: string): Error {
  return invalidArgument(`The ${name} of a CORS rule is invalid.`, ec, {
    ArgumentName: name,
    ArgumentValue: value,
  })
}
