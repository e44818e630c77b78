import { readFileSync } from 'node:fs'
import { CryptoBucket } from '@oss-cse/bucket'
import { contentFormat, decodeEnvelope, Keyring } from '@oss-cse/crypto-core'
import { wholeKeyring } from './fleet-keys.js'
import { contentId, contentOf, KEY_NAMES, KINDS, PREFIX } from './fleet-objects.js'

const AT_ONCE = 16
const COPIED = ['content-type', 'cache-control', 'x-oss-meta-number']

/**
 * Holds the report of a run and the objects in the bucket against what was stored.
 *
 * @param {object} what
 * @param {'audit' | 'rotate' | 'migrate'} what.command
 * @param {readonly string[]} what.rows - the paths of the report of the run, and of those in which failures were tried again
 * @param {import('./fleet-objects.js').FleetObject[]} what.objects
 * @param {Map<string, { change: string, generation: number, moment: string }>} what.changes - of another writer
 * @param {Set<string>} what.shared - the keys that two workers worked on
 * @param {import('./fleet-writer.js').FleetWriter} what.writer
 * @param {ReturnType<import('./fleet-keys.js').fleetProviders>} what.providers
 * @returns {Promise<{ failures: string[], counts: Record<string, number> }>}
 */
export async function checkFleet({ command, rows: paths, ...what }) {
  const check = new FleetCheck(command, what)
  check.report(paths.map(readRows))
  await check.bucket()
  return { failures: check.failures, counts: check.counts }
}

function readRows(path) {
  const text = readFileSync(path, 'utf8').trimEnd()
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line))
}

class FleetCheck {
  failures = []
  counts = {}
  #command
  #objects
  #changes
  #shared
  #transport
  #reads
  #readsNew

  constructor(command, { objects, changes, shared, writer, providers }) {
    this.#command = command
    this.#objects = objects
    this.#changes = changes
    this.#shared = shared
    this.#transport = writer.transport
    const bucketOf = (keyring) =>
      new CryptoBucket({ transport: this.#transport, keyring, onPlainObject: 'passthrough' })
    this.#reads = bucketOf(wholeKeyring(providers))
    this.#readsNew = bucketOf(new Keyring({ encrypting: providers.new }))
  }

  /** Each key once, and for each what it is. What failed counts as it was when it was tried again. */
  report([first, ...retries]) {
    const rows = new Map()
    for (const row of first) {
      this.#expect(!rows.has(row.key), `${row.key} is twice in the report`)
      rows.set(row.key, row)
      this.#count(`rows, ${row.outcome}`)
    }
    for (const row of retries.flat()) if (rows.get(row.key)?.outcome === 'failed') rows.set(row.key, row)
    for (const object of this.#objects) {
      const row = rows.get(object.key)
      rows.delete(object.key)
      const change = this.#changes.get(object.key)?.change
      const allowed = this.#outcomes(object.kind, change)
      const is = row?.outcome ?? 'not there'
      this.#expect(
        allowed.includes(is),
        `${this.#named(object)} is ${is} in the report${row?.code === undefined ? '' : ` (${row.code} ${row.serviceCode ?? ''})`}`,
      )
      if (this.#command === 'audit' && row?.outcome === 'encrypted') this.#expectKey(object, row, change)
    }
    for (const key of rows.keys()) this.#expect(false, `${key} is in the report, and was never stored`)
  }

  /** No newer write is lost, everything is readable as it should be, and nothing beside the content has changed. */
  async bucket() {
    const histories = await this.#histories()
    const left = [...this.#objects]
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let object = left.pop(); object !== undefined; object = left.pop()) {
          await this.#object(object, histories.get(object.key) ?? []).catch((error) =>
            this.#expect(false, `${this.#named(object)}: ${error.message}`),
          )
        }
      }),
    )
  }

  async #object(object, history) {
    const { key, kind } = object
    if (KINDS[kind].store === 'link') return
    const changed = this.#changes.get(key)
    const [current] = history
    this.#count('versions', history.length)
    if (current === undefined || current.isDeleteMarker) {
      this.#expect(changed?.change === 'delete', `${this.#named(object)} is gone`)
      return
    }
    if (kind === 'archived' && changed === undefined) return
    const wanted = changed === undefined ? contentId(contentOf(key)) : await this.#lastWritten(key, history)
    // If another worker was done with it, what was written then belongs to the next run.
    const isLate = changed !== undefined && this.#shared.has(key)
    const isTarget = !isLate && this.#isUnderNewKey(kind, changed?.change)
    const bucket = isTarget ? this.#readsNew : this.#reads
    const found = contentId(await bucket.getBytes(key))
    this.#expect(found === wanted, `${this.#named(object)} has not the content that was written last`)
    const { headers } = await this.#transport.head({ key, headers: {} })
    if (isTarget) {
      const envelope = decodeEnvelope(headers)
      this.#expect(
        envelope?.materialDescription.key === KEY_NAMES.new.key,
        `${this.#named(object)} is not under the new key`,
      )
      if (envelope !== undefined && KINDS[kind].content === 'sealed' && changed === undefined) {
        this.#expect(contentFormat(envelope) === 'sealed', `${this.#named(object)} is not sealed any more`)
      }
      this.#count('objects under the new key')
    }
    if (changed === undefined && KINDS[kind].store === undefined) await this.#settings(object, headers)
  }

  async #settings(object, headers) {
    const { key, headers: given } = object
    for (const name of COPIED.filter((one) => given[one] !== undefined)) {
      this.#expect(headers[name] === given[name], `${this.#named(object)} has lost ${name}`)
    }
    const acl = await this.#transport.getObjectAcl({ key })
    this.#expect(
      acl === (given['x-oss-object-acl'] ?? 'default'),
      `${this.#named(object)} has the ACL ${acl}`,
    )
    const tags = await this.#transport.getObjectTags({ key })
    const wanted = [...new URLSearchParams(given['x-oss-tagging'])].sort()
    const found = tags.map((tag) => [tag.key, tag.value]).sort()
    this.#expect(JSON.stringify(found) === JSON.stringify(wanted), `${this.#named(object)} has other tags`)
  }

  /** The content of the newest version whose content no earlier version has: what a fleet writes was there before. */
  async #lastWritten(key, history) {
    const seen = new Set()
    let last
    for (const version of history.toReversed()) {
      const id = version.isDeleteMarker ? 'deleted' : contentId(await this.#contentOf(key, version))
      if (!seen.has(id)) last = id
      seen.add(id)
    }
    return last
  }

  /** An archived version cannot be read. It is the one that was stored first. */
  async #contentOf(key, { versionId, storageClass }) {
    return storageClass === 'Archive' ? contentOf(key) : this.#reads.getBytes(key, { versionId })
  }

  /** The versions of each key, the newest first. */
  async #histories() {
    const histories = new Map()
    let position = {}
    do {
      const page = await this.#transport.listVersions({ prefix: PREFIX, maxKeys: 1000, ...position })
      for (const version of page.versions) {
        histories.set(version.key, [...(histories.get(version.key) ?? []), version])
      }
      position = { keyMarker: page.nextKeyMarker, versionIdMarker: page.nextVersionIdMarker }
    } while (position.keyMarker !== undefined)
    return histories
  }

  #expectKey(object, { materialDescription = {}, needsRestore }, change) {
    const { key } = change === undefined ? KINDS[object.kind] : { key: change }
    const wanted = KEY_NAMES[key]?.key
    this.#expect(
      materialDescription.key === wanted,
      `${this.#named(object)} is under another key in the report`,
    )
    const archived = object.kind === 'archived' && change === undefined
    this.#expect(
      (needsRestore ?? false) === archived,
      `${this.#named(object)}: needsRestore is ${needsRestore}`,
    )
  }

  #isUnderNewKey(kind, change) {
    const { content, store } = KINDS[kind]
    const isPlain = change === undefined ? content === 'plain' : change === 'plain'
    if (this.#command === 'rotate') return !isPlain
    if (this.#command === 'migrate') return isPlain && (store !== 'append' || change !== undefined)
    return false
  }

  /** What a row may say. */
  #outcomes(kind, change) {
    if (change === 'delete')
      return ['gone', 'not there', ...(this.#command === 'audit' ? [] : [DONE[this.#command]])]
    const { content, key, store } = KINDS[kind]
    const isPlain = change === undefined ? content === 'plain' : change === 'plain'
    const isNew = change === undefined ? key === 'new' : change === 'new'
    const special = change === undefined ? store : undefined
    if (special === 'link') return ['link']
    switch (this.#command) {
      case 'audit':
        return [isPlain ? 'plain' : 'encrypted']
      case 'rotate':
        if (isPlain) return change === undefined ? ['plain'] : ['plain', 'rotated', 'already']
        if (special === 'archive') return ['needs-restore']
        // A shard that is done again finds what is done.
        return isNew && change === undefined ? ['already'] : ['already', 'rotated']
      case 'migrate':
        if (special === 'append') return ['appendable']
        return isPlain || change !== undefined ? ['already', 'migrated'] : ['already']
    }
  }

  #named({ key }) {
    const changed = this.#changes.get(key)
    return changed === undefined ? key : `${key} (${changed.change} ${changed.moment})`
  }

  #count(name, by = 1) {
    this.counts[name] = (this.counts[name] ?? 0) + by
  }

  #expect(holds, failure) {
    if (!holds) this.failures.push(failure)
  }
}

const DONE = { rotate: 'rotated', migrate: 'migrated' }
