import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startOssEmulator } from '../emulator.ts'
import { rawRequest, signedRequest } from '../testing/signed-request.ts'

describe('the access log', () => {
  it('has a line for each request, even for a broken one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'oss-emulator-'))
    const accessLog = join(directory, 'logs', 'access.log')
    const logged = await startOssEmulator({ accessLog })
    await signedRequest(logged, { method: 'PUT', key: 'a', body: 'four' })
    await signedRequest(logged, { key: 'a', query: 'response-content-type=x' })
    logged.injectFault({ kind: 'reset-before' })
    await expect(signedRequest(logged, { key: 'a' })).rejects.toThrow()
    await logged.close()
    const lines = readFileSync(accessLog, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    rmSync(directory, { recursive: true })
    expect(lines).toMatchObject([
      { method: 'PUT', path: '/demo/a', status: 200, bytesIn: 4, bytesOut: 0 },
      { method: 'GET', query: 'response-content-type=x', status: 200, bytesOut: 4 },
      { method: 'GET', status: 0, fault: 'reset-before' },
    ])
    expect(lines.every(({ time }) => typeof time === 'string' && time.endsWith('Z'))).toBe(true)
  })
})

describe('recorded requests', () => {
  it('have headers, are bounded and can be reset', async () => {
    const bounded = await startOssEmulator({ maxRecordedRequests: 2 })
    for (const path of ['/demo/1', '/demo/2', '/demo/3']) {
      await rawRequest(bounded.port, { path, headers: { 'x-oss-meta-a': 'b' } })
    }
    expect(bounded.requests.map(({ path }) => path)).toEqual(['/demo/2', '/demo/3'])
    expect(bounded.requests[0]?.headers['x-oss-meta-a']).toBe('b')
    bounded.resetRequests()
    expect(bounded.requests).toEqual([])
    await bounded.close()
  })
})
