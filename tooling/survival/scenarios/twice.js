import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { checkpointFiles } from '../checkpoint-files.js'
import { Findings } from '../findings.js'
import { FORMATS } from '../formats.js'
import { Random } from '../random.js'
import { Site } from '../site.js'

/** Long enough altogether for the thread that decrypts large files. */
const PART_KIB = 384
const PARTS = 12
const REFUSED = /ERR_CSE_CHECKPOINT_IN_USE|under way/

/**
 * One transfer started twice at once: one of the two wins, the other ends at once and says why, and what is stored is
 * right.
 *
 * @param {{ seed: number }} options
 * @returns {Promise<import('../index.js').Outcome>}
 */
export async function twice({ seed }) {
  const random = new Random(seed).fork('twice')
  const findings = new Findings()
  const site = await Site.open({ partKiB: PART_KIB })
  try {
    const source = site.randomFile('source', PARTS * site.partBytes - random.integer(0, 1000))
    for (const format of FORMATS) {
      await uploads({ site, source, format, findings })
      await downloads({ site, source, format, findings })
      await downloadsOfTwoServices({ site, source, format, findings })
    }
    findings.expect(checkpointFiles(site.checkpoints).length === 0, 'the checkpoint directory is not empty')
  } finally {
    await site.close()
  }
  return findings.outcome('twice')
}

async function uploads({ site, source, format, findings }) {
  const start = () => site.put(source.path, format, { format })
  await race({ site, kind: 'part', start, what: `${format} uploads`, findings })
  await site.checkSent(findings, `two ${format} uploads`)
  findings.expect(source.bytes.equals(await site.content(format, format)), 'the object is not the file')
  const initiations = site.tap.exchanges.filter(({ kind }) => kind === 'initiate').length
  findings.expect(initiations === 1, `${initiations} uploads were begun`)
  const pending = await site.pendingUploads(format)
  findings.expect(pending.length === 0, 'an upload was left on the server')
}

async function downloads({ site, source, format, findings }) {
  const path = site.workspace.path(`file-${format}`)
  const start = () => site.get(format, path, { format })
  await race({ site, kind: 'get', start, what: `${format} downloads`, findings })
  findings.expect(source.bytes.equals(readFileSync(path)), 'the file is not the object')
}

/** Starts two, and holds the winner's requests until the other one has ended. */
async function race({ site, kind, start, what, findings }) {
  site.tap.reset()
  const gate = site.tap.gate(kind, 0)
  const commands = [start(), start()]
  const ends = commands.map(async (command) => ({ command, ...(await command.ended) }))
  const loser = await Promise.race(ends)
  gate.open()
  const all = await Promise.all(ends)
  const winner = all.find(({ command }) => command !== loser.command)
  findings.count(`two ${what} at once`)
  findings.expect(loser.code !== 0, `both of two ${what} went on`)
  findings.expect(REFUSED.test(loser.stderr), `the refused one of two ${what} said: ${loser.stderr}`)
  findings.expect(winner.code === 0, `the other of two ${what} ended with ${winner.code}: ${winner.stderr}`)
}

/**
 * Two downloads into one file that no common checkpoint keeps apart: they come from different services, and keep their
 * checkpoints in different directories. Either one is refused, or each leaves a right file.
 */
async function downloadsOfTwoServices({ site, source, format, findings }) {
  site.tap.reset()
  const path = site.workspace.path(`shared-${format}`)
  const checkpoints = site.workspace.path(`other-checkpoints-${format}`)
  mkdirSync(checkpoints)
  const tap = await site.anotherTap()
  try {
    const gates = [site.tap.gate('get', PARTS / 2), tap.gate('get', 1)]
    const first = site.get(format, path, { format })
    await Promise.race([gates[0].reached, first.ended])
    const second = site.get(format, path, { format, tap, checkpoints })
    await Promise.race([gates[1].reached, second.ended])
    for (const [index, command] of [first, second].entries()) {
      gates[index].open()
      const { code } = await command.ended
      if (code !== 0) findings.count('downloads refused that shared a file with another one')
      const right = existsSync(path) && source.bytes.equals(readFileSync(path))
      findings.expect(code !== 0 || right, `download ${index + 1} into a shared file left a wrong one`)
    }
    findings.count(`two ${format} downloads into one file`)
  } finally {
    await tap.close()
  }
}
