/** The error of a request to this app's own server. By its status, the transport knows whether a retry makes sense. */
class AppServerError extends Error {
  constructor(status) {
    super(`The server of this app responded with ${status}.`)
    this.status = status
  }
}

async function call(path, { method = 'GET', body } = {}) {
  const response = await fetch(path, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  if (!response.ok) throw new AppServerError(response.status)
  return response.status === 204 ? undefined : response.json()
}

/** Who is signed in, and where the bucket is. `undefined` if nobody is signed in. */
export async function currentSession() {
  const { user, ...settings } = await call('/session')
  return user === null ? undefined : { user, ...settings }
}

export function signIn(user) {
  return call('/session', { method: 'POST', body: { user } })
}

export function signOut() {
  return call('/session', { method: 'DELETE' })
}

/** The files in the bucket, of this user or of all. Listing is the server's: the page has no permission for it. */
export async function listFiles(ofAll) {
  const { files } = await call(ofAll ? '/files?of=all' : '/files')
  return files
}

/** Temporary credentials for the files of this user. */
export function temporaryCredentials() {
  return call('/sts', { method: 'POST' })
}

/** Signs one request of this user. */
export function signRequest(request) {
  return call('/sign', { method: 'POST', body: request })
}
