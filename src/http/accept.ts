/**
 * Whether a client asks for JSON errors: only when its Accept header names JSON and prefers it over HTML and text.
 * A wildcard does not ask for it: python-glanceclient sends one, and dies on Glance's flat JSON errors.
 */
export function prefersJson(accept: string | undefined): boolean {
  if (!accept) return false
  let json = 0
  let other = 0
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map(text => text.trim().toLowerCase())
    const weight = parameters.find(text => text.startsWith('q='))
    const q = weight === undefined ? 1 : Number(weight.slice(2)) || 0
    if (type === 'application/json') json = Math.max(json, q)
    if (type === 'text/html' || type === 'text/plain' || type === 'text/*') other = Math.max(other, q)
  }
  return json > 0 && json >= other
}
