// What the page and its server must agree on.

/** The name of the master key in the objects. */
export const MATERIAL_DESCRIPTION = { app: 'web-drive' }

/** Where the objects of a user are. The slash at the end keeps `bob` out of the files of `bobby`. */
export function prefixOf(user) {
  return `users/${user}/`
}

/** Whose object it is, or `undefined`. */
export function ownerOf(key) {
  const [root, user] = key.split('/')
  return root === 'users' && key.startsWith(prefixOf(user)) ? user : undefined
}

/** The name of a file, without the prefix of its owner. */
export function nameOf(key) {
  return key.slice(prefixOf(ownerOf(key)).length)
}

/** What a sealed object is bound to: its own key. A copy under another key cannot be opened. */
export function contextOf(key) {
  return key
}
