/** Makes an element. Text is always text, never HTML: file names come from other people. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

/** The element of the page with this id. */
export function byId(id) {
  return document.getElementById(id)
}
