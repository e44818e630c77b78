import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { testLimits } from './tooling/config/test-project.ts'
import { commands, endServices } from './tooling/e2e/src/browser-service.ts'

const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

/** Asked for when tests run, and not when a tool such as knip reads this file. */
function requireBrowser(): void {
  if (existsSync(executablePath)) return
  throw new Error(`No browser at ${executablePath}: run "apt-get install chromium", or set CHROMIUM_PATH.`)
}

export default defineConfig({
  resolve: {
    alias: {
      '#file-runs': fileURLToPath(new URL('packages/bucket/src/cipher/file-runs.web.ts', import.meta.url)),
      '#start-worker': fileURLToPath(
        new URL('packages/bucket/src/cipher/start-worker.web.ts', import.meta.url),
      ),
    },
  },
  plugins: [{ name: 'services', configureServer: requireBrowser, buildEnd: endServices }],
  test: {
    ...testLimits,
    name: 'browser',
    include: [
      'packages/{crc64,crypto-core,bucket,signature,transport-fetch,rsa-pkcs1,provider-remote,provider-web}/{src,test}/**/*.test.ts',
      'tooling/e2e/src/*.browser.test.ts',
    ],
    exclude: ['**/*.node.test.ts'],
    browser: {
      enabled: true,
      commands,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath,
          args: [
            '--no-sandbox',
            '--disable-dev-shm-usage',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-domain-reliability',
            '--disable-sync',
            '--no-first-run',
            '--no-pings',
          ],
        },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
})
