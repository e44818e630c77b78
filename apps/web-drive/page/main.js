import { CryptoBucket } from '@oss-cse/bucket'
import { IndexedDbCheckpointStore, uploadFile } from '@oss-cse/bucket/web'
import { decryptedUrl, registerWorker } from '@oss-cse/service-worker'
import { nameOf, ownerOf, prefixOf } from './agreement.js'
import { currentSession, listFiles, signIn, signOut } from './app-server.js'
import { bucketOptions } from './drive.js'
import { chosenFiles, droppedFiles } from './dropped-files.js'
import { byId, element } from './element.js'
import { showFiles } from './files.js'
import { complain, quiet, say } from './messages.js'
import { setSigning, signing } from './settings.js'
import { Uploads } from './uploads.js'
import { compare, play, readText } from './viewer.js'

/** How many bytes of a text are shown, and of both sides of a comparison. */
const SHOWN_TEXT_BYTES = 64 * 1024
const COMPARED_BYTES = 256
const ENVELOPE = 'x-oss-meta-client-side-encryption-'

const checkpointStore = new IndexedDbCheckpointStore()
const worker = registerWorker(trustedWorker('./sw.js'))

const found = await currentSession().catch(complain)
if (found === undefined) showSignIn()
else showDrive(found, await signing())

function showSignIn() {
  byId('sign-in').hidden = false
  for (const button of document.querySelectorAll('[data-user]')) {
    button.onclick = async () => {
      await signIn(button.dataset.user)
      await startAgain()
    }
  }
}

function showDrive(session, signedBy) {
  const { user } = session
  const options = bucketOptions(session, signedBy)
  const { transport } = options
  const bucket = new CryptoBucket({ ...options, format: 'sealed' })
  byId('drive').hidden = false
  byId('account').hidden = false
  byId('user').textContent = user

  const actOn = (file, action) =>
    attempt(async () => {
      try {
        await action()
      } catch (error) {
        if (file.owner === user) throw error
        // The error of a sealed object does not say whether its key was refused or does not fit.
        throw Object.assign(new Error(`This file belongs to ${file.owner}. ${error.message}`), {
          code: error.code,
        })
      }
    })
  const refresh = () => attempt(async () => showFiles(await files(byId('everybody').checked), user, actions))
  const actions = {
    open: (file) => actOn(file, () => open(bucket, file)),
    download: (file) => actOn(file, () => download(bucket, file)),
    compare: (file) => actOn(file, () => compareSides({ transport, bucket }, file)),
    remove: (file) =>
      attempt(async () => {
        if (!confirm(`Delete ${file.name}?`)) return
        await bucket.delete(file.key)
        say(`${file.name} is deleted.`)
        await refresh()
      }),
  }
  const uploads = new Uploads({
    user,
    upload: (name, file, options) =>
      uploadFile(bucket, prefixOf(user) + name, file, {
        ...options,
        checkpointStore,
        contentType: file.type || 'application/octet-stream',
      }),
    onStored: refresh,
  })

  const drop = byId('drop')
  drop.ondragover = (event) => {
    event.preventDefault()
    drop.classList.add('over')
  }
  drop.ondragleave = () => drop.classList.remove('over')
  drop.ondrop = (event) => {
    event.preventDefault()
    drop.classList.remove('over')
    void attempt(async () => uploads.add(await droppedFiles(event.dataTransfer)))
  }
  for (const [button, input] of [
    ['choose-files', byId('files')],
    ['choose-folder', byId('folder')],
  ]) {
    byId(button).onclick = () => input.click()
    input.onchange = () => {
      uploads.add(chosenFiles(input))
      input.value = ''
    }
  }
  byId('everybody').onchange = refresh
  byId('refresh').onclick = refresh
  byId('signing').value = signedBy
  byId('signing').onchange = async ({ target }) => {
    await setSigning(target.value)
    await startAgain()
  }
  byId('sign-out').onclick = async () => {
    await signOut()
    await startAgain()
  }
  void refresh()
}

async function files(ofAll) {
  const listed = await listFiles(ofAll)
  return listed.map((file) => ({ ...file, name: nameOf(file.key), owner: ownerOf(file.key) }))
}

/** Images, films and sounds come from the service worker, a text from the bucket. All else is downloaded. */
function open(bucket, file) {
  return withReader(bucket, file, async (reader) => {
    const { contentType: type = '' } = reader.description
    if (/^(?:image|video|audio)\//.test(type)) {
      await worker
      play({ ...file, type }, decryptedUrl(file.key))
    } else if (type.startsWith('text/')) {
      readText(file, new TextDecoder().decode(await beginning(reader, SHOWN_TEXT_BYTES)))
    } else await save(file)
  })
}

/** Asks for the key of the file first: a download could not say why it was refused. */
function download(bucket, file) {
  return withReader(bucket, file, () => save(file))
}

/**
 * The service worker decrypts the download, so it never is in the memory of the page. A frame asks for it: when the page itself
 * goes to an address, Firefox aborts the requests under way. Nothing tells when the frame is not needed any more, so it stays.
 */
async function save({ key, name }) {
  await worker
  const src = decryptedUrl(key, { downloadName: name.split('/').at(-1) })
  document.body.append(element('iframe', { src, hidden: true }))
}

/** Reads the same bytes twice: as they are stored, and decrypted if this user may. */
async function compareSides({ transport, bucket }, file) {
  const stored = await transport.get({ key: file.key, headers: { range: `bytes=0-${COMPARED_BYTES - 1}` } })
  const metadata = Object.entries(stored.headers)
    .filter(([field]) => field.startsWith(ENVELOPE))
    .map(([field, value]) => [field.slice(ENVELOPE.length), value])
  const ciphertext = await collected(stored.body)
  const reading = withReader(bucket, file, (reader) => beginning(reader, COMPARED_BYTES))
  compare(file, { plaintext: await reading.catch((error) => error), ciphertext, metadata })
}

async function withReader(bucket, { key }, use) {
  const reader = await bucket.openObject(key)
  try {
    return await use(reader)
  } finally {
    await reader.close()
  }
}

/** The first bytes of a file, decrypted. */
async function beginning(reader, mostBytes) {
  if (reader.sizeBytes === 0) return new Uint8Array()
  return collected(reader.read({ start: 0, end: Math.min(mostBytes, reader.sizeBytes) - 1 }))
}

async function collected(body) {
  const chunks = []
  for await (const chunk of body) chunks.push(chunk)
  return new Uint8Array(await new Blob(chunks).arrayBuffer())
}

/** Says what went wrong, instead of doing nothing. */
async function attempt(action) {
  quiet()
  try {
    await action()
  } catch (error) {
    complain(error)
  }
}

/** The worker forgets the keys of who was signed in before. */
async function startAgain() {
  const { active } = await worker
  active.postMessage('forget')
  location.reload()
}

/** The policy of this page takes the address of a worker only from a trusted source. */
function trustedWorker(address) {
  if (globalThis.trustedTypes === undefined) return address
  return trustedTypes.createPolicy('web-drive', { createScriptURL: (url) => url }).createScriptURL(address)
}
