import { type Config, Settings } from './schema.js'

/** The settings without their secrets: for printing, in the order of the schema. */
export function masked(config: Config): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(Settings.properties)) {
    const value = config[name as keyof Config]
    if (value !== null && schema['x-secret'] && !schema['x-secret-urls']) shown[name] = '***'
    else if (Array.isArray(value)) shown[name] = value.map(maskUrl)
    else shown[name] = typeof value === 'string' ? maskUrl(value) : value
  }
  return shown
}

/** Masks the password of a URL in a text, and what its query calls a secret. */
export function maskUrl(text: string): string {
  return (
    text
      // Up to the last @, for a password that was not percent-encoded may hold any character.
      .replace(/(\w:\/\/[^:/?#@]*):.*@/s, '$1:***@')
      .replace(/([?&][^=&#]*(?:password|passwd|secret|token|key)[^=&#]*=)[^&#]+/gi, '$1***')
  )
}
