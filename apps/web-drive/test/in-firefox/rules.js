// What must work in Firefox, as steps in the page of the app. A rule that loads the page again is run again after that, from
// its beginning: it looks at the page to know where it is.

const FILM = 'film.webm'
const LARGE = 'large.bin'
const NOTES = 'notes 笔记 📝.txt'
const PIXEL = 'pixel.png'

const TEXT = 'Notes that nobody else may read. '.repeat(20)
/** One red pixel. */
const PIXEL_BASE64 =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='

/** In the order in which they run: the later ones use the files of the earlier ones. */
export const rules = [
  {
    name: 'a user signs in',
    async run() {
      await onPageOf('alice')
    },
  },
  {
    name: 'small files are stored encrypted',
    async run() {
      const pixel = Uint8Array.from(atob(PIXEL_BASE64), (char) => char.charCodeAt(0))
      await store(new File([TEXT], NOTES, { type: 'text/plain' }))
      await store(new File([pixel], PIXEL, { type: 'image/png' }))
      await until(() => button(`Open: ${NOTES}`) && button(`Open: ${PIXEL}`))
      equal(await ask('stored-as', `users/alice/${NOTES}`), 'AES256_GCM_HKDF_64KB')
    },
  },
  {
    name: 'an upload in parts that a reload aborted is resumed with the same file',
    async run() {
      await onPageOf('alice')
      const large = new File([await asked('large')], LARGE, { lastModified: 0 })
      if (transfer(LARGE) === undefined) {
        await ask('hold-parts')
        add(large)
        await ask('two-parts-are-sent')
        await loadAgain()
      }
      await until(() => transfer(LARGE).includes('choose this file again'))
      await ask('release-parts')
      await store(large)
      includes(transfer(LARGE), 'of it earlier')
      equal(await ask('sent-parts'), '1,2,3')
    },
  },
  {
    name: 'a text is read',
    async run() {
      await open(NOTES)
      equal(shown('pre').textContent, TEXT)
    },
  },
  {
    name: 'an image is shown',
    async run() {
      await open(PIXEL)
      await until(() => shown('img').naturalWidth === 1)
    },
  },
  {
    name: 'a film is drawn at any place',
    async run() {
      await store(new File([await asked('film')], FILM, { type: 'video/webm' }))
      await open(FILM)
      const film = shown('video')
      await until(() => Math.round(film.duration) === 20)
      const frames = []
      for (const seconds of [15, 3]) {
        film.currentTime = seconds
        await until(() => !film.seeking && film.readyState >= film.HAVE_CURRENT_DATA)
        equal(film.currentTime, seconds)
        frames.push(drawn(film))
      }
      const [late, early] = frames
      if (new Set(late).size < 3 || new Set(early).size < 3) throw new Error('A frame is empty.')
      if (late.every((value, i) => value === early[i])) throw new Error('Both frames are the same.')
    },
  },
  {
    name: 'a download has the bytes of the file',
    async run() {
      await pressed(`Download: ${LARGE}`)
      equal(await ask('downloaded'), 'equal')
    },
  },
  {
    name: 'a text is stored and read when the server signs',
    async run() {
      await onPageOf('alice')
      const select = byId('signing')
      if (select.value !== 'sign') {
        select.value = 'sign'
        select.dispatchEvent(new Event('change'))
        await aLoad()
      }
      await store(new File([TEXT], 'signed.txt', { type: 'text/plain' }))
      await open('signed.txt')
      equal(shown('pre').textContent, TEXT)
    },
  },
  {
    name: 'a file of another user is refused',
    async run() {
      await onPageOf('bob')
      await until(() => !byId('no-files').hidden)
      byId('everybody').click()
      await pressed(`Open: ${NOTES}`)
      await until(() => byId('alert').textContent.includes('This file belongs to alice.'))
      if (byId('viewer').open) throw new Error('Something is shown.')
    },
  },
]

const byId = (id) => document.getElementById(id)
const button = (label) => document.querySelector(`button[aria-label="${label}"]`)
const shown = (selector) => byId('viewer-content').querySelector(selector)

/** Waits until it is so. The page changes then, or an image or a film says what it does. */
function until(holds) {
  return new Promise((resolve, reject) => {
    const ending = new AbortController()
    const end = (settle, value) => {
      observer.disconnect()
      ending.abort()
      settle(value)
    }
    const look = () => {
      if (holds()) end(resolve)
    }
    const observer = new MutationObserver(look)
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
    // Events of elements do not bubble to the document, which still captures them.
    const capturing = { capture: true, signal: ending.signal }
    for (const event of ELEMENT_EVENTS) document.addEventListener(event, look, capturing)
    const failed = ({ target }) => end(reject, new Error(`A ${target.tagName} has an error.`))
    document.addEventListener('error', failed, capturing)
    look()
  })
}
const ELEMENT_EVENTS = ['load', 'loadedmetadata', 'durationchange', 'seeked', 'loadeddata', 'canplay']

/** The page loads again now: what comes after this runs in the next page only. */
const aLoad = () => new Promise(() => {})

function loadAgain() {
  location.reload()
  return aLoad()
}

/** Signs in as this user, if the page is that of nobody or of another one. */
async function onPageOf(user) {
  await until(() => !byId('sign-in').hidden || byId('user').textContent !== '')
  const present = byId('user').textContent
  if (present === user) return
  if (present === '') document.querySelector(`[data-user="${user}"]`).click()
  else byId('sign-out').click()
  await aLoad()
}

async function pressed(label) {
  await until(() => button(label))
  button(label).click()
}

/** Opens a file in the viewer. */
async function open(name) {
  byId('viewer').close()
  await until(() => byId('viewer-content').childElementCount === 0)
  await pressed(`Open: ${name}`)
  await until(() => byId('viewer-content').childElementCount > 0)
}

/** Chooses a file in the page, as its user does. */
function add(file) {
  const data = new DataTransfer()
  data.items.add(file)
  byId('files').files = data.files
  byId('files').dispatchEvent(new Event('change'))
}

async function store(file) {
  add(file)
  await until(() => /(?:^|\n)stored/.test(transfer(file.name)))
}

/** What the page says about an upload. */
function transfer(name) {
  const row = [...byId('transfer-list').children].find(
    (item) => item.querySelector('.name').textContent === name,
  )
  return row?.querySelector('.state').textContent
}

/** The pixels of the frame that a film shows. */
function drawn(film) {
  const canvas = document.createElement('canvas')
  canvas.width = film.videoWidth
  canvas.height = film.videoHeight
  const context = canvas.getContext('2d')
  context.drawImage(film, 0, 0)
  return context.getImageData(0, 0, canvas.width, canvas.height).data
}

/** Asks the test for bytes. */
async function asked(what, about = '') {
  const response = await fetch(`/test/${what}?${encodeURIComponent(about)}`)
  if (!response.ok) throw new Error(`The test responded to "${what}" with ${response.status}.`)
  return response.blob()
}

/** Asks the test for a text. */
async function ask(what, about) {
  return (await asked(what, about)).text()
}

function equal(actual, expected) {
  if (actual !== expected) throw new Error(`${actual} is not ${expected}`)
}

function includes(text, part) {
  if (!text.includes(part)) throw new Error(`"${text}" does not include "${part}".`)
}
