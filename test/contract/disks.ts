import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** Real disks, and some that were spoilt, in little room; made by make-disks.ts: name → base64 of the compressed bytes. */
const made = JSON.parse(
  readFileSync(new URL('../../../test/contract/disks.json', import.meta.url), 'utf8'),
) as Record<string, string>

/** The bytes of a disk. */
export function disk(name: string): Buffer {
  const compressed = made[name]
  if (compressed === undefined) throw new Error(`no disk is called ${name}`)
  return gunzipSync(Buffer.from(compressed, 'base64'))
}
