/** The master key, which the page puts here once, and the worker finds each time that it starts. */
export async function saveKey(key: CryptoKey): Promise<void> {
  const database = await openDatabase()
  await done(database.transaction('keys', 'readwrite').objectStore('keys').put(key, 'master'))
  database.close()
}

export async function loadKey(): Promise<CryptoKey> {
  const database = await openDatabase()
  const key = await done(database.transaction('keys').objectStore('keys').get('master'))
  database.close()
  if (key === undefined) throw new Error('Nobody is signed in.')
  return key
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open('example', 1)
  request.onupgradeneeded = () => request.result.createObjectStore('keys')
  return done(request)
}

function done<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
