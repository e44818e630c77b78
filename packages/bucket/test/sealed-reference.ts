import type { ContentKey } from '@oss-cse/crypto-core'

/** A second implementation of sealed objects, on WebCrypto alone, written from the description of the format. */

const SEGMENT = 65_536
const ALGORITHM = 'AES256_GCM_HKDF_64KB'

const utf8 = (text: string) => new TextEncoder().encode(text)

async function derived({ cek, iv }: ContentKey, context: string) {
  const { subtle } = crypto
  const raw = Uint8Array.from(cek)
  const mac = await subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const tail = [...utf8(`\0${ALGORITHM}\0`), ...iv, ...utf8(context)]
  const hmac = async (label: string) =>
    new Uint8Array(
      await subtle.sign('HMAC', mac, Uint8Array.from([...utf8(`oss-cse sealed v1 ${label}`), ...tail])),
    )
  const salt = await hmac('salt')
  const prefix = (await hmac('nonce')).slice(0, 7)
  const hkdf = await subtle.importKey('raw', raw, 'HKDF', false, ['deriveKey'])
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt, info: utf8(context) }
  const aes = { name: 'AES-GCM', length: 256 }
  const key = await subtle.deriveKey(parameters, hkdf, aes, false, ['encrypt', 'decrypt'])
  return { key, prefix, header: Uint8Array.from([40, ...salt, ...prefix]) }
}

function parameters(prefix: Uint8Array, index: number, last: boolean) {
  const iv = new Uint8Array(12)
  iv.set(prefix)
  new DataView(iv.buffer).setUint32(7, index)
  iv[11] = last ? 1 : 0
  return { name: 'AES-GCM', iv }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return all
}

/** Opens a whole sealed object. Rejects if it is not authentic. */
export async function openReference(
  contentKey: ContentKey,
  stored: Uint8Array,
  context = '',
): Promise<Uint8Array> {
  const { key, prefix, header } = await derived(contentKey, context)
  if (!header.every((byte, i) => byte === stored[i])) throw new Error('another header')
  const opened: Uint8Array[] = []
  for (let start = 0, index = 0; start < stored.length; start += SEGMENT, index++) {
    const segment = stored.slice(start === 0 ? header.length : start, start + SEGMENT)
    const last = start + SEGMENT >= stored.length
    opened.push(new Uint8Array(await crypto.subtle.decrypt(parameters(prefix, index, last), key, segment)))
  }
  return joined(opened)
}

/** Seals a whole object. */
export async function sealReference(
  contentKey: ContentKey,
  plaintext: Uint8Array,
  context = '',
): Promise<Uint8Array> {
  const { key, prefix, header } = await derived(contentKey, context)
  const stored: Uint8Array[] = [header]
  const first = SEGMENT - header.length - 16
  for (let start = 0, index = 0; index === 0 || start < plaintext.length; index++) {
    const end = index === 0 ? first : start + SEGMENT - 16
    const last = end >= plaintext.length
    const segment = plaintext.slice(start, end)
    stored.push(new Uint8Array(await crypto.subtle.encrypt(parameters(prefix, index, last), key, segment)))
    start = end
  }
  return joined(stored)
}

/** Seals one segment of an object. */
export async function sealSegmentReference(
  contentKey: ContentKey,
  plaintext: Uint8Array,
  { index, last }: { readonly index: number; readonly last: boolean },
): Promise<Uint8Array> {
  const { key, prefix, header } = await derived(contentKey, '')
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt(parameters(prefix, index, last), key, Uint8Array.from(plaintext)),
  )
  return index === 0 ? joined([header, sealed]) : sealed
}
