/** The weights that a client gives to the media types it names. */
function weights(accept: string | undefined): { json: number; html: number; plain: number } {
  const found = { json: 0, html: 0, plain: 0 }
  for (const part of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = part.split(';').map(text => text.trim().toLowerCase())
    const weight = parameters.find(text => text.startsWith('q='))
    const q = weight === undefined ? 1 : Number(weight.slice(2)) || 0
    if (type === 'application/json') found.json = Math.max(found.json, q)
    if (type === 'text/html') found.html = Math.max(found.html, q)
    if (type === 'text/plain' || type === 'text/*') found.plain = Math.max(found.plain, q)
  }
  return found
}

/**
 * Whether a client asks for JSON errors: only when its Accept header names JSON and prefers it over HTML and text.
 * A wildcard does not ask for it: python-glanceclient sends one, and dies on Glance's flat JSON errors.
 */
export function prefersJson(accept: string | undefined): boolean {
  const { json, html, plain } = weights(accept)
  return json > 0 && json >= html && json >= plain
}

/** Whether a client asks for a page to look at: HTML before text and JSON. */
export function prefersHtml(accept: string | undefined): boolean {
  const { json, html, plain } = weights(accept)
  return html > json && html > plain
}
