/** The page. Its files have the digest of their content in their names. */
export default {
  root: 'page',
  build: { outDir: '../dist', emptyOutDir: true, target: 'es2023', modulePreload: { polyfill: false } },
}
