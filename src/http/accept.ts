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

const range = /^\s*([!#$%&'*+.^_`|~\w-]+)\/([!#$%&'*+.^_`|~\w-]+)\s*((?:;[^,]*)?)$/

/**
 * Whether Glance would write an error as JSON: when Accept gives it more weight than HTML. A wildcard does not:
 * python-glanceclient sends one, and dies on Glance's flat JSON errors. A header that is no list of media ranges counts
 * as a wildcard.
 */
export function takesJsonErrors(accept: string | undefined): boolean {
  const ranges = (accept ?? '').split(',').map(part => range.exec(part))
  if (ranges.includes(null)) return false
  return quality(ranges, 'application/json') > quality(ranges, 'text/html')
}

/** The weight that the most precise range gives to a type. A range with parameters means other types than ours. */
function quality(ranges: readonly (RegExpExecArray | null)[], offer: string): number {
  let best = { precision: 0, q: 0 }
  for (const found of ranges) {
    const [, type = '', subtype = '', rest = ''] = found ?? []
    const parameters = rest
      .split(';')
      .map(text => text.trim().toLowerCase())
      .filter(text => text !== '')
    const weight = parameters.find(text => text.startsWith('q='))
    if (parameters.some(text => text !== weight)) continue
    const name = `${type}/${subtype}`.toLowerCase()
    const precision = name === offer ? 3 : name === `${offer.split('/')[0]}/*` ? 2 : name === '*/*' ? 1 : 0
    if (precision > best.precision)
      best = { precision, q: weight === undefined ? 1 : Number(weight.slice(2)) || 0 }
  }
  return best.q
}
