import { type Browser, chromium } from 'playwright'

/** Starts the browser that all tests of pages use. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--no-first-run'],
  })
}

/** The page of the tests, which offers its actions. */
export const PAGE_HTML =
  '<!doctype html><meta charset="utf-8"><title>page</title><script src="/page.js" type="module"></script>'
