import { readdirSync } from 'node:fs'
import ts from 'typescript'
import { ROOT, readRepositoryFile } from './repository.ts'

/** At least three words: a text that a person reads, and no name, code or piece of syntax. */
const SENTENCE = /[A-Za-z`'’-]+ [A-Za-z{`'"(-]+.* [A-Za-z{`'"(-]+/

/** A statement of SQL, which a database reads. */
const STATEMENT = /^(?:CREATE|DELETE|INSERT|SELECT|UPDATE) /

/**
 * The texts in a source that a person may read: error messages, help and output. What is put into one stands there in
 * braces, as code. Comments are left out.
 */
export function textsOf(source: string, fileName: string): readonly string[] {
  const texts = new Set<string>()
  const visit = (node: ts.Node): void => {
    const text = textOf(node)
    if (text !== undefined && SENTENCE.test(text) && !STATEMENT.test(text)) texts.add(text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, true))
  return [...texts]
}

function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  if (!ts.isTemplateExpression(node)) return undefined
  const spans = node.templateSpans.map(
    ({ expression, literal }) => `{${expression.getText()}}${literal.text}`,
  )
  return (node.head.text + spans.join('')).replaceAll(/\s+/g, ' ')
}

/** The sources below a folder that are neither tests nor there for tests alone, by their path from the top. */
function sourcesBelow(folder: string): readonly string[] {
  return readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !/\.test\.ts$|\.d\.ts$|\/testing\//.test(path))
    .sort()
}

/** The texts of all packages and of the command line, file by file. */
export function listOfTexts(): string {
  const packages = readdirSync(`${ROOT}packages`).sort()
  const folders = [...packages.map((name) => `packages/${name}/src`), 'apps/cli/src']
  const blocks = folders.flatMap(sourcesBelow).flatMap((path) => {
    const texts = textsOf(readRepositoryFile(path), path)
    return texts.length === 0
      ? []
      : [[path, ...texts.map((text) => `  ${text.replaceAll('\n', '\n    ')}`)].join('\n')]
  })
  return `${blocks.join('\n\n')}\n`
}
