import { chmod, lchown, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { followedPath } from './followed-path.node.ts'

const OTHER = 65_534
let root: string

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'oss-cse-')))
  await mkdir(join(root, 'a', 'b'), { recursive: true })
  await writeFile(join(root, 'a', 'b', 'file'), 'x')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const at = (...names: string[]) => join(root, ...names)

describe.runIf(process.platform !== 'win32')('a path', () => {
  test('is resolved through all links', async () => {
    await symlink('a/b', at('relative'))
    await symlink(at('relative'), at('absolute'))
    await symlink('../../absolute/../b/file', at('a', 'b', 'up'))
    for (const path of [
      at('a', 'b', 'file'),
      at('relative', 'file'),
      at('absolute', 'file'),
      at('a', 'b', 'up'),
      `${root}/./a//b/../b/file`,
    ]) {
      expect(await followedPath(path)).toBe(await realpath(path))
      expect(await followedPath(path)).toBe(at('a', 'b', 'file'))
    }
  })

  test('that does not exist yet is where it would be created', async () => {
    await symlink('a', at('link'))
    await symlink('a/none', at('dangling'))
    expect(await followedPath(at('link', 'new'))).toBe(at('a', 'new'))
    expect(await followedPath(at('link', 'none', 'new'))).toBe(at('a', 'none', 'new'))
    expect(await followedPath(at('dangling'))).toBe(at('a', 'none'))
  })

  test('whose links form a loop is refused', async () => {
    await symlink('two', at('one'))
    await symlink('one', at('two'))
    await expect(followedPath(at('one'))).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
    await expect(followedPath(at('one'))).rejects.toThrow('loop of links')
  })

  describe('through a link that another user made', () => {
    beforeEach(async (context) => {
      if (process.getuid?.() !== 0) context.skip('Only root can give a link to another user.')
      await mkdir(at('shared'))
      await symlink(at('a', 'b'), at('shared', 'directory'))
      await symlink(at('a', 'b', 'file'), at('shared', 'file'))
      for (const name of ['directory', 'file']) await lchown(at('shared', name), OTHER, OTHER)
    })
    const paths = () => [at('shared', 'file'), at('shared', 'directory', 'file')]

    test.each([0o1777, 0o1773])(
      'is refused in a directory that everybody can write to (mode %o)',
      async (mode) => {
        await chmod(at('shared'), mode)
        for (const path of paths()) {
          await expect(followedPath(path)).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
          await expect(followedPath(path)).rejects.toThrow('another user')
        }
      },
    )

    test('is followed if the directory belongs to that user, or not everybody can write to it', async () => {
      await chmod(at('shared'), 0o755)
      for (const path of paths()) expect(await followedPath(path)).toBe(at('a', 'b', 'file'))
      await chmod(at('shared'), 0o1777)
      await lchown(at('shared'), OTHER, OTHER)
      for (const path of paths()) expect(await followedPath(path)).toBe(at('a', 'b', 'file'))
    })

    test('is followed if the link is this user’s own', async () => {
      await chmod(at('shared'), 0o1777)
      for (const name of ['directory', 'file']) await lchown(at('shared', name), 0, 0)
      for (const path of paths()) expect(await followedPath(path)).toBe(at('a', 'b', 'file'))
    })
  })
})
