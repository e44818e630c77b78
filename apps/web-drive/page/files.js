import { byId, element } from './element.js'
import { formatBytes, formatTime } from './format.js'

/** Shows the files. `actions` are called with a file: `{ key, owner, name, sizeBytes, lastModified }`. */
export function showFiles(files, user, actions) {
  byId('file-list').replaceChildren(...files.map((file) => fileRow(file, user, actions)))
  byId('no-files').hidden = files.length > 0
  byId('file-table').hidden = files.length === 0
}

function fileRow(file, user, { open, download, compare, remove }) {
  const own = file.owner === user
  const name = element('td')
  if (!own) name.append(element('span', { className: 'owner', textContent: `${file.owner} / ` }))
  name.append(file.name)
  const act = (text, action) => {
    const made = element('button', { type: 'button', textContent: text, onclick: () => action(file) })
    made.setAttribute('aria-label', `${text}: ${file.name}`)
    return made
  }
  return element(
    'tr',
    {},
    name,
    element('td', { className: 'number', textContent: formatBytes(file.sizeBytes) }),
    element('td', { textContent: formatTime(file.lastModified) }),
    element(
      'td',
      {},
      element(
        'span',
        { className: 'actions' },
        act('Open', open),
        act('Download', download),
        act('Compare', compare),
        ...(own ? [act('Delete', remove)] : []),
      ),
    ),
  )
}
