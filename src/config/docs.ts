import { isSecret } from './read.js'
import { Settings } from './schema.js'
import { formatDuration, formatSize } from './units.js'

/** docs/configuration.md: every setting with its variable, its default and what it means. */
export function configurationDocs(): string {
  const rows = Object.entries(Settings.properties).map(([name, schema]) => {
    const variable = `VITRINE_${name.toUpperCase()}`
    const cell = isSecret(schema) ? `\`${variable}\` (\`_FILE\`)` : `\`${variable}\``
    return `| ${cell} | \`${name}\` | ${showDefault(schema)} | ${schema.description?.replaceAll('|', '\\|')} |`
  })
  return `${head}\n| variable | key in vitrine.yaml | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

function showDefault(schema: { default?: unknown; 'x-kind'?: string }): string {
  const value = schema.default
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return ''
  if (schema['x-kind'] === 'bytes') return `\`${formatSize(value as number)}\``
  if (schema['x-kind'] === 'duration') return `\`${formatDuration(value as number)}\``
  return `\`${Array.isArray(value) ? value.join(',') : value}\``
}

const head = `# Settings

<!-- Generated from src/config/schema.ts; write it anew with: UPDATE_DOCS=1 node dist/test/config/docs.test.js -->

Settings come from \`vitrine.yaml\` in the working directory (or the file that \`VITRINE_CONFIG\` names) and from the
environment, which wins. An unknown name, a bad value, or settings that do not go together are refused at start, all
faults at once. \`bin/vitrine check-config\` prints what is in effect, with secrets masked.

- A list is separated by commas; in YAML it may also be a list. An empty value is an empty list.
- An empty value of anything else leaves it unset.
- Sizes are bytes or a number with a unit: \`500MB\` (decimal), \`10 GiB\` (binary). Durations are seconds or a number
  with \`s\`, \`m\`, \`h\` or \`d\`; \`off\` is 0.
- Any setting marked \`_FILE\` can come from a file: \`VITRINE_SECRET_KEY_FILE=/run/secrets/key\`.
- Relative paths count from the working directory.
`
