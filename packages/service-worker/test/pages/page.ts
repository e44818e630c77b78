import { decryptedUrl, registerWorker } from '@oss-cse/service-worker'
import { saveKey } from './master-key.ts'

/** What a test can do in its page. */
const actions = {
  decryptedUrl,
  registerWorker,

  /** Keeps the master key where nobody can read its bytes any more. */
  async signIn(rawKey: readonly number[]): Promise<void> {
    await saveKey(Uint8Array.from(rawKey))
    await registerWorker('/sw.js')
  },

  /** Drops what the worker holds in memory. */
  async forget(): Promise<void> {
    const channel = new MessageChannel()
    const forgotten = new Promise((resolve) => {
      channel.port1.onmessage = resolve
    })
    navigator.serviceWorker.controller?.postMessage('forget', [channel.port2])
    await forgotten
  },

  /** What a request returns: its status, headers and bytes, or the error of its body. */
  async fetched(url: string, init?: RequestInit) {
    const response = await fetch(url, init)
    const headers = Object.fromEntries(response.headers)
    try {
      return { status: response.status, headers, bytes: [...new Uint8Array(await response.arrayBuffer())] }
    } catch (error) {
      return { status: response.status, headers, error: String(error) }
    }
  },

  /** The size and the first pixel of an image. */
  async image(url: string) {
    const image = new Image()
    image.src = url
    await image.decode()
    const context = new OffscreenCanvas(1, 1).getContext('2d')
    context?.drawImage(image, 0, 0)
    const pixel = [...(context?.getImageData(0, 0, 1, 1).data ?? [])]
    return { width: image.naturalWidth, height: image.naturalHeight, pixel }
  },

  /** Opens sound or film, and returns its length in seconds. */
  async openMedia(url: string, kind: 'audio' | 'video' = 'audio'): Promise<number> {
    document.querySelector('audio, video')?.remove()
    const player = document.createElement(kind)
    player.preload = 'metadata'
    player.src = url
    document.body.append(player)
    await heard(player, 'loadedmetadata')
    return player.duration
  },

  /** Seeks, and returns the time at which the player then is. */
  async seek(seconds: number): Promise<number> {
    const player = document.querySelector('audio, video') as HTMLMediaElement
    const seeked = heard(player, 'seeked')
    player.currentTime = seconds
    await seeked
    return player.currentTime
  },

  /** The colour in the middle of the film that is shown. */
  colour(): string {
    const film = document.querySelector('video') as HTMLVideoElement
    const context = new OffscreenCanvas(1, 1).getContext('2d')
    context?.drawImage(film, film.videoWidth / 2, film.videoHeight / 2, 1, 1, 0, 0, 1, 1)
    const [red = 0, green = 0, blue = 0] = context?.getImageData(0, 0, 1, 1).data ?? []
    return red > 2 * (green + blue) ? 'red' : blue > 2 * (red + green) ? 'blue' : `${red} ${green} ${blue}`
  },

  /** Loads a URL into a frame. */
  frame(url: string): void {
    const frame = document.createElement('iframe')
    frame.src = url
    document.body.append(frame)
  },

  /** Clicks a link. */
  follow(url: string): void {
    const link = document.createElement('a')
    link.href = url
    document.body.append(link)
    link.click()
  },
}

function heard(player: HTMLMediaElement, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    player.addEventListener(event, () => resolve(), { once: true })
    player.addEventListener('error', () => reject(new Error(player.error?.message)), { once: true })
  })
}

export type Actions = typeof actions

Object.assign(globalThis, { actions })
