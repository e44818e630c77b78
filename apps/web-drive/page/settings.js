const DATABASE = 'web-drive'
const STORE = 'settings'

/** Who signs the requests. In IndexedDB, because the service worker needs it too. */
export async function signing() {
  return (await request('readonly', (store) => store.get('signing'))) ?? 'sts'
}

export function setSigning(value) {
  return request('readwrite', (store) => store.put(value, 'signing'))
}

async function request(mode, ask) {
  const opening = indexedDB.open(DATABASE, 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE)
  const database = await settled(opening)
  try {
    return await settled(ask(database.transaction(STORE, mode).objectStore(STORE)))
  } finally {
    database.close()
  }
}

function settled(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result)
    asked.onerror = () => reject(asked.error)
  })
}
