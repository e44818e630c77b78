import { existsSync } from 'node:fs'
import { chromium } from 'playwright'

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

/** Starts the Chromium of this machine. */
export function launchChromium() {
  if (!existsSync(executablePath)) throw new Error(`No browser at ${executablePath}: set CHROMIUM_PATH.`)
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}
