/** The page: a list of the objects, and an upload. */
export function page(objects) {
  return `<!doctype html>
<meta charset="utf-8">
<title>Files</title>
<h1>Files</h1>
<p><input type="file" id="file"> <output id="state"></output></p>
<ul>
${objects.map(item).join('\n')}
</ul>
<script>
  document.getElementById('file').onchange = async ({ target: { files: [file] } }) => {
    const state = document.getElementById('state')
    state.value = 'uploading…'
    const response = await fetch('/files/' + encodeURIComponent(file.name), { method: 'PUT', body: file })
    if (response.ok) location.reload()
    else state.value = await response.text()
  }
</script>
`
}

function item({ name, size }) {
  const url = `/files/${encodeURIComponent(name)}`
  const player = /\.(mp4|webm|mov)$/i.test(name)
    ? `<br><video controls preload="metadata" src="${url}"></video>`
    : ''
  return `  <li><a href="${url}">${escaped(name)}</a> (${size} bytes)${player}</li>`
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
