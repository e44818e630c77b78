import pLimit from 'p-limit'
import { byId, element } from './element.js'
import { formatBytes } from './format.js'
import { complain, quiet, say } from './messages.js'

/** How many files are uploaded at once. Each has several parts under way. */
const AT_ONCE = 2
/** Where the names of uploads are kept that were not complete when the page was left. */
const UNFINISHED = 'unfinished-uploads'

/** The list of uploads: it runs some, keeps the others waiting, and shows them all. */
export class Uploads {
  #unfinished
  #upload
  #onStored
  #rows = new Map()
  #limit = pLimit(AT_ONCE)

  /**
   * @param user - whose uploads they are
   * @param upload - uploads one file: `(name, file, { signal, onProgress })`
   * @param onStored - called after each file that was stored
   */
  constructor({ user, upload, onStored }) {
    this.#unfinished = new UnfinishedUploads(user)
    this.#upload = upload
    this.#onStored = onStored
    for (const { name, sizeBytes } of this.#unfinished.all()) {
      const row = this.#row(name)
      row.show('interrupted', `interrupted; choose this file again to resume (${formatBytes(sizeBytes)})`)
    }
  }

  /** Adds files. A file that was interrupted before is resumed. */
  add(files) {
    quiet()
    for (const { path, file } of files) {
      const row = this.#row(path)
      row.file = file
      this.#unfinished.add(path, file.size)
      this.#enqueue(row)
    }
  }

  #row(name) {
    const known = this.#rows.get(name)
    if (known !== undefined) return known
    const row = new UploadRow(name, {
      pause: () => row.pause(),
      resume: () => this.#enqueue(row),
      cancel: () => this.#forget(row),
    })
    this.#rows.set(name, row)
    byId('transfer-list').append(row.item)
    byId('transfers').hidden = false
    return row
  }

  #enqueue(row) {
    if (row.state === 'running' || row.state === 'waiting') return
    row.show('waiting', 'waiting')
    void this.#limit(async () => {
      // It may have been paused meanwhile.
      if (row.state === 'waiting') await this.#run(row)
    })
  }

  async #run(row) {
    const { name, file } = row
    const controller = row.start()
    try {
      const { resumedBytes } = await this.#upload(name, file, {
        signal: controller.signal,
        onProgress: (progress) => row.progress(progress),
      })
      const resumed = resumedBytes > 0 ? `, ${formatBytes(resumedBytes)} of it earlier` : ''
      row.show('done', `stored: ${formatBytes(file.size)}${resumed}`)
      this.#unfinished.remove(name)
      say(`${name} is stored, encrypted.`)
      this.#onStored()
    } catch (error) {
      if (controller.signal.aborted) return
      row.show('failed', error.message)
      complain(error)
    }
  }

  #forget(row) {
    row.pause()
    row.item.remove()
    this.#rows.delete(row.name)
    this.#unfinished.remove(row.name)
    byId('transfers').hidden = this.#rows.size === 0
  }
}

/** One upload, as the page shows it. */
class UploadRow {
  name
  file
  item
  state = 'interrupted'
  #controller
  #bar = element('progress', { max: 1, value: 0 })
  #text = element('span', { className: 'state' })
  #pause
  #resume
  #cancel

  constructor(name, { pause, resume, cancel }) {
    this.name = name
    this.#bar.setAttribute('aria-label', `Progress of ${name}`)
    this.#pause = button('Pause', name, pause)
    this.#resume = button('Resume', name, resume)
    this.#cancel = button('Dismiss', name, cancel)
    this.item = element(
      'li',
      {},
      element('span', { className: 'name', textContent: name, title: name }),
      element('span', { className: 'actions' }, this.#pause, this.#resume, this.#cancel),
      this.#bar,
      this.#text,
    )
    this.show('interrupted', '')
  }

  start() {
    this.#controller = new AbortController()
    this.show('running', 'encrypting')
    return this.#controller
  }

  progress({ transferredBytes, totalBytes }) {
    if (this.state !== 'running') return
    this.#bar.value = totalBytes ? transferredBytes / totalBytes : 1
    this.#text.textContent = `${formatBytes(transferredBytes)} of ${formatBytes(totalBytes)}`
  }

  /** Stops the upload. What was sent stays in the bucket, and is not sent again. */
  pause() {
    if (this.state !== 'running' && this.state !== 'waiting') return
    this.show('paused', `paused. ${this.#text.textContent}`)
    this.#controller?.abort()
  }

  show(state, text) {
    this.state = state
    this.item.className = state
    this.#text.textContent = text
    if (state === 'done') this.#bar.value = 1
    this.#pause.hidden = state !== 'running' && state !== 'waiting'
    this.#resume.hidden = !(['paused', 'failed'].includes(state) && this.file !== undefined)
    this.#cancel.hidden = state === 'running' || state === 'waiting'
  }
}

function button(text, name, onclick) {
  const made = element('button', { type: 'button', textContent: text, onclick })
  made.setAttribute('aria-label', `${text} ${name}`)
  return made
}

/** The uploads of a user that are not complete, by name. They are shown again after a reload. */
class UnfinishedUploads {
  #item

  constructor(user) {
    this.#item = `${UNFINISHED}/${user}`
  }

  all() {
    return JSON.parse(localStorage.getItem(this.#item) ?? '[]')
  }

  add(name, sizeBytes) {
    this.#save([...this.#others(name), { name, sizeBytes }])
  }

  remove(name) {
    this.#save(this.#others(name))
  }

  #others(name) {
    return this.all().filter((upload) => upload.name !== name)
  }

  #save(uploads) {
    localStorage.setItem(this.#item, JSON.stringify(uploads))
  }
}
