import pc from 'picocolors'
import { wrapText } from './format.ts'

/** The width of the narrowest terminal that the demo supports. */
const WIDTH = 80
const INDENT = '   '

/** The colours of the demo. They do nothing when colour is off. */
type Colours = ReturnType<typeof pc.createColors>

/** Writes the output of the demo: a title, numbered headings, and indented lines below them. */
export class Screen {
  readonly colours: Colours
  readonly #out: NodeJS.WritableStream

  constructor(out: NodeJS.WritableStream, colour: boolean) {
    this.#out = out
    this.colours = pc.createColors(colour)
  }

  title(title: string, explanation: string): void {
    this.blank()
    this.#write(this.colours.bold(title))
    for (const line of wrapText(explanation, WIDTH)) this.#write(line)
  }

  heading(number: number, title: string): void {
    this.blank()
    this.#write(this.colours.bold(this.colours.cyan(`${number}. ${title}`)))
  }

  /** One indented line, which can contain colours. */
  line(text: string): void {
    this.#write(`${INDENT}${text}`)
  }

  /** An explanation of any length, without colours. */
  note(text: string): void {
    for (const line of wrapText(text, WIDTH - INDENT.length)) this.line(line)
  }

  /** A mark, followed by a text of any length. */
  marked(mark: string, text: string, paint: (line: string) => string = String): void {
    const lines = wrapText(text, WIDTH - INDENT.length - 2)
    for (const [index, line] of lines.entries()) this.line(`${index === 0 ? mark : ' '} ${paint(line)}`)
  }

  /** A line without indentation. */
  closing(text: string): void {
    this.#write(text)
  }

  blank(): void {
    this.#write('')
  }

  #write(line: string): void {
    this.#out.write(`${line}\n`)
  }
}
