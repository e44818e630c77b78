import { expect, test } from 'vitest'
import { listOfTexts, textsOf } from './texts.ts'

test('the texts of a source are its sentences, with what is put into them in braces', () => {
  const source = [
    '// A comment is none of them.',
    "import { a } from 'some name here'".replace('some name here', './a.ts'),
    "const code = 'ERR_CSE_SOURCE'",
    "throw new Error('the source changed')",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code
    'throw new Error(`${name}: there are ${count} bytes too many`)',
  ].join('\n')
  expect(textsOf(source, 'a.ts')).toEqual(['the source changed', '{name}: there are {count} bytes too many'])
})

test('every text that a person may read is in texts.txt, to be read in one go', async () => {
  await expect(listOfTexts()).toMatchFileSnapshot('texts.txt')
})
