/** Bytes of each unit that a size may have; decimal and binary ones as their names say. */
const sizes: Record<string, number> = { b: 1 }
for (const [i, letter] of ['k', 'm', 'g', 't', 'p'].entries()) {
  sizes[`${letter}b`] = 1000 ** (i + 1)
  sizes[`${letter}ib`] = 1024 ** (i + 1)
}

const seconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 }

/** `1 TiB`, `500MB`, `1.5 GiB` or plain bytes → bytes; undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = sizes[(unit || 'b').toLowerCase()]
  return digits === undefined || factor === undefined ? undefined : Math.round(Number(digits) * factor)
}

/** `7d`, `12h`, `30m`, `90s`, plain seconds, or `off` for 0 → seconds; undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  if (text.trim().toLowerCase() === 'off') return 0
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([smhd]?)$/i.exec(text.trim()) ?? []
  return digits === undefined ? undefined : Math.round(Number(digits) * seconds[(unit || 's').toLowerCase()]!)
}

/** Bytes as a person would write them: `1 TiB`. */
export function formatSize(bytes: number): string {
  for (const unit of ['PiB', 'TiB', 'GiB', 'MiB', 'KiB']) {
    const factor = sizes[unit.toLowerCase()]!
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor} ${unit}`
  }
  return String(bytes)
}

/** Seconds as a person would write them: `7d`. */
export function formatDuration(value: number): string {
  if (value === 0) return 'off'
  for (const unit of ['d', 'h', 'm'])
    if (value % seconds[unit]! === 0) return `${value / seconds[unit]!}${unit}`
  return `${value}s`
}
