const COOKIE = 'session'

/** Who is signed in. A script of the page cannot read the cookie, and other sites cannot send it. */
export class Sessions {
  #users = new Map()

  /** Returns the cookie of a new session. */
  open(user) {
    const id = crypto.randomUUID()
    this.#users.set(id, user)
    return `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Strict`
  }

  /** Ends a session. Returns the cookie that removes it. */
  close(request) {
    this.#users.delete(idOf(request))
    return `${COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`
  }

  userOf(request) {
    return this.#users.get(idOf(request))
  }
}

function idOf(request) {
  const cookies = (request.headers.get('cookie') ?? '').split('; ')
  return cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1)
}
