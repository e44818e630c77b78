// Serves packed packages as the npm registry does, so that they can be installed by name before they are published:
// `node registry.js TARBALL…` prints its address.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

/** What is served, by its path. */
const files = new Map()

const server = createServer((request, response) => {
  const content = files.get(decodeURIComponent(request.url))
  // A later registry on the same port has other packages.
  response.writeHead(content === undefined ? 404 : 200, { 'cache-control': 'no-store' })
  response.end(content)
})

server.listen(0, '127.0.0.1', () => {
  const address = `http://127.0.0.1:${server.address().port}`
  for (const file of process.argv.slice(2)) {
    const tarball = readFileSync(file)
    const manifest = JSON.parse(
      execFileSync('tar', ['-xOzf', file, 'package/package.json'], { encoding: 'utf8' }),
    )
    const { name, version } = manifest
    const path = `/${name}/-/${version}.tgz`
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
    const versions = { [version]: { ...manifest, dist: { tarball: `${address}${path}`, integrity } } }
    files.set(path, tarball)
    files.set(`/${name}`, JSON.stringify({ name, 'dist-tags': { latest: version }, versions }))
  }
  console.log(address)
})
