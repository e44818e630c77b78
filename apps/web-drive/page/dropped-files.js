/** The files of a drop, with their paths: `{ path, file }`. Folders are read to their ends. */
export async function droppedFiles(dataTransfer) {
  // The items are gone after the first await.
  const entries = [...dataTransfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null)
  const files = []
  for (const entry of entries) await collect(entry, files)
  return files
}

async function collect(entry, files) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject))
    files.push({ path: entry.fullPath.slice(1), file })
    return
  }
  const reader = entry.createReader()
  for (;;) {
    // A call returns some of the entries, and an empty list at the end.
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    if (entries.length === 0) return
    for (const child of entries) await collect(child, files)
  }
}

/** The files of an input, with their paths. */
export function chosenFiles(input) {
  return [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }))
}
