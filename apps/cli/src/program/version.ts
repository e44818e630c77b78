import manifest from '../../package.json' with { type: 'json' }

/** The package's version. The build puts it into the bundle. */
export function packageVersion(): string {
  return manifest.version
}
