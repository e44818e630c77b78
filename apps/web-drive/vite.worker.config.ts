/** The service worker: one file, whose name never changes. A service worker cannot load parts of itself later. */
export default {
  build: {
    emptyOutDir: false,
    target: 'es2023',
    rolldownOptions: { input: 'page/sw.js', output: { entryFileNames: '[name].js', format: 'iife' } },
  },
}
