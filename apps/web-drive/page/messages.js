import { byId } from './element.js'

/** Says what happened, also to a screen reader. */
export function say(text) {
  byId('status').textContent = text
}

/** Says what went wrong. It stays until something else is said or the user goes on. */
export function complain(error) {
  byId('alert').textContent = error.code === undefined ? error.message : `${error.message} (${error.code})`
}

/** Removes what was said to be wrong. */
export function quiet() {
  byId('alert').textContent = ''
}
