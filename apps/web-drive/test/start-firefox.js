import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where Firefox is, or `undefined`. */
export function firefoxPath() {
  return [process.env.FIREFOX_PATH, '/usr/bin/firefox-esr', '/usr/bin/firefox'].find(
    (path) => path !== undefined && existsSync(path),
  )
}

/**
 * Starts Firefox with a profile of its own, and without a window. No driver controls it: the page does what is tested.
 *
 * @returns where downloads are, what Firefox wrote to its terminal, and what ends it
 */
export async function startFirefox(url) {
  const profile = await mkdtemp(join(tmpdir(), 'web-drive-firefox-'))
  const downloads = join(profile, 'downloads')
  const preferences = {
    'browser.aboutwelcome.enabled': false,
    'browser.download.dir': downloads,
    'browser.download.folderList': 2,
    'browser.shell.checkDefaultBrowser': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'toolkit.telemetry.reportingpolicy.firstRun': false,
  }
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  )
  await writeFile(join(profile, 'user.js'), lines.join(''))

  const args = ['--headless', '--no-remote', '--profile', profile, url]
  // It wants a home of the user that runs it.
  const firefox = spawn(firefoxPath(), args, {
    env: { ...process.env, HOME: profile },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(firefox, 'exit')
  let output = ''
  for (const stream of [firefox.stdout, firefox.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  return {
    downloads,
    output: () => output,
    /** Rejects if Firefox ends by itself. */
    ended: exited.then(([code, signal]) => {
      throw new Error(`Firefox ended (${code ?? signal}):\n${output}`)
    }),
    async close() {
      firefox.kill()
      await exited
      await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
}
