import { Driver } from './driver.js'
import { HAND_MADE, HandMade } from './hand-made.js'
import { MissingToolchain, sdkVersion, TOOLCHAINS } from './toolchains.js'

/**
 * @typedef {object} Participant - who writes, and reads where it can run
 * @property {string} name
 * @property {string} title
 * @property {boolean} handMade - its objects are made in its exact form; it reads nothing
 * @property {boolean} onlyKeyServices - an old version: only its KMS and `LocalRsaProvider` are looked at
 * @property {boolean} onlySealed - no SDK, but what reads sealed objects, and may write them
 * @property {Driver | HandMade} driver
 * @property {string} [version] - of the SDK
 * @property {string} [runtime] - what it runs on, where that matters to what it does
 * @property {Record<string, string>} versions - of all that it drives
 */

const HAND_MADE_TITLES = {
  cpp: 'C++ †',
  'php-v2': 'PHP V2 †',
  'any-iv': 'any IV †',
  plain: 'not encrypted',
}

/**
 * Makes the environments of the SDKs that can run on this machine, and starts their drivers.
 *
 * @param {import('./lab.js').Lab} lab
 * @param {{ only?: readonly string[] }} options - names of SDKs
 * @returns {Promise<{ participants: Participant[], missing: { title: string, reason: string }[] }>} `missing`: those
 * for which the machine lacks what makes them
 */
export async function openParticipants(lab, { only } = {}) {
  const participants = []
  const missing = []
  for (const toolchain of TOOLCHAINS) {
    const { name, title, runtime, prepare, onlyKeyServices = false, onlySealed = false } = toolchain
    if (only !== undefined && !only.includes(name)) continue
    try {
      const driver = new Driver(name, await prepare())
      const versions = await driver.open(lab.settings)
      const version = sdkVersion(toolchain, versions)
      const participant = { name, title, runtime, version, versions, onlyKeyServices, onlySealed, driver }
      participants.push({ ...participant, handMade: false })
    } catch (error) {
      if (!(error instanceof MissingToolchain) || only !== undefined) throw error
      missing.push({ title, reason: error.message })
    }
  }
  for (const name of HAND_MADE) {
    const driver = new HandMade(name)
    await driver.open(lab.settings)
    const title = HAND_MADE_TITLES[name]
    participants.push({
      name,
      title,
      versions: {},
      handMade: true,
      onlyKeyServices: false,
      onlySealed: false,
      driver,
    })
  }
  return { participants, missing }
}
