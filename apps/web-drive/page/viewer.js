import { byId, element } from './element.js'
import { hexDump } from './format.js'

const dialog = () => byId('viewer')

/** Shows an image, a film or a sound. The service worker decrypts it, and the browser asks for the ranges it needs. */
export function play({ name, type }, url) {
  if (type.startsWith('image/')) return show(name, element('img', { src: url, alt: name }))
  const player = element(type.startsWith('audio/') ? 'audio' : 'video', { src: url, controls: true })
  show(name, player)
}

/** Shows the beginning of a text. */
export function readText({ name }, text) {
  show(name, element('pre', { textContent: text }))
}

/**
 * Shows the first bytes of a file as the user sees them, and as OSS holds them, with the envelope.
 *
 * @param plaintext - the bytes, or the error of reading them
 */
export function compare({ name }, { plaintext, ciphertext, metadata }) {
  const side = (title, text) =>
    element(
      'section',
      {},
      element('h3', { textContent: title }),
      element('pre', { tabIndex: 0, textContent: text }),
    )
  const rows = metadata.map(([field, value]) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row', textContent: field }),
      element('td', { textContent: value }),
    ),
  )
  const caption = element('caption', { textContent: 'The envelope, in the metadata of the object' })
  const envelope = element('table', { className: 'envelope' }, caption, element('tbody', {}, ...rows))
  const content = element('div', { className: 'compare' })
  const yours = plaintext instanceof Error ? plaintext.message : hexDump(plaintext)
  content.append(side('What you have', yours), side('What OSS holds', hexDump(ciphertext)), envelope)
  show(name, content)
}

function show(title, content) {
  byId('viewer-title').textContent = title
  byId('viewer-content').replaceChildren(content)
  // A player that stays in the page would go on.
  dialog().onclose = () => byId('viewer-content').replaceChildren()
  dialog().showModal()
}
