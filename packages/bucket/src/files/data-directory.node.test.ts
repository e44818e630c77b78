import { describe, expect, test } from 'vitest'
import { dataDirectory } from './data-directory.node.ts'

const of = (platform: NodeJS.Platform, env: Record<string, string> = {}, home = '/home/me') =>
  dataDirectory({ platform, env, homedir: () => home })?.replaceAll('\\', '/')

describe('the data directory', () => {
  test('is the place that each system has for a user’s data', () => {
    expect(of('linux')).toBe('/home/me/.local/share/oss-cse')
    expect(of('darwin')).toBe('/home/me/Library/Application Support/oss-cse')
    expect(of('win32')).toBe('/home/me/AppData/Local/oss-cse/Data')
  })

  test('follows XDG_DATA_HOME and LOCALAPPDATA, if they are absolute', () => {
    expect(of('linux', { XDG_DATA_HOME: '/data' })).toBe('/data/oss-cse')
    expect(of('win32', { LOCALAPPDATA: '/data' })).toBe('/data/oss-cse/Data')
    for (const relative of ['', 'data']) {
      expect(of('linux', { XDG_DATA_HOME: relative })).toBe('/home/me/.local/share/oss-cse')
    }
    expect(of('linux', { XDG_DATA_HOME: '/data' }, '')).toBe('/data/oss-cse')
  })

  test('is undefined if the user has no home directory', () => {
    for (const platform of ['linux', 'darwin', 'win32'] as const) {
      expect(of(platform, {}, '')).toBeUndefined()
      expect(
        dataDirectory({
          platform,
          env: {},
          homedir() {
            throw new Error('uv_os_homedir returned ENOENT')
          },
        }),
      ).toBeUndefined()
    }
  })
})
