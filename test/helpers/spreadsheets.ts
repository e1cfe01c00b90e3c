/** Readers of what exports write: made from the formats' descriptions, and a library of another language. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fromBuffer } from 'yauzl'

/** The files of a zip archive by name; their checksums are verified. */
export async function unzip(bytes: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  const zip = await new Promise<import('yauzl').ZipFile>((resolve, reject) =>
    fromBuffer(bytes, { lazyEntries: true }, (error, opened) => (error ? reject(error) : resolve(opened))),
  )
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject).on('end', resolve)
    zip.on('entry', entry =>
      zip.openReadStream(entry, async (error, stream) => {
        if (error) return reject(error)
        const chunks: Buffer[] = []
        for await (const chunk of stream) chunks.push(chunk as Buffer)
        files[entry.fileName] = Buffer.concat(chunks).toString('utf8')
        zip.readEntry()
      }),
    )
    zip.readEntry()
  })
  return files
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Character data as an XML parser gives it, then the escapes that workbooks have on top. */
const cellText = (xml: string) =>
  xml
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .replace(/&(?:#(\d+)|(\w+));/g, (_, code, name) => (code ? String.fromCharCode(+code) : entities[name]!))
    .replace(/_x([0-9A-Fa-f]{4})_/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))

/** The cells of the first worksheet of a workbook; throws unless each of them is a string. */
export async function readWorkbook(bytes: Buffer): Promise<string[][]> {
  const sheet = (await unzip(bytes))['xl/worksheets/sheet1.xml'] ?? ''
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(sheet)) throw new Error('that is not XML')
  const rows: string[][] = []
  let width = 0
  for (const [, number, content = ''] of sheet.matchAll(/<row r="(\d+)">(.*?)<\/row>/gs)) {
    if (Number(number) !== rows.length + 1) throw new Error(`row ${number} follows row ${rows.length}`)
    const row: string[] = []
    for (const [, column = '', type, inside = ''] of content.matchAll(
      /<c r="([A-Z])\d+" s="\d" t="(\w+)">(.*?)<\/c>/gs,
    )) {
      if (type !== 'inlineStr') throw new Error(`a cell is a ${type}`)
      row[column.charCodeAt(0) - 65] = cellText(/^<is><t[^>]*>(.*)<\/t><\/is>$/s.exec(inside)?.[1] ?? '?')
    }
    width ||= row.length
    rows.push(Array.from({ length: width }, (_, n) => row[n] ?? ''))
  }
  return rows
}

/** The records of a CSV file by RFC 4180; throws for a bare quote, a bare line end, or text behind a closing quote. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (let at = 0; at < text.length; ) {
    const quoted = /"((?:[^"]|"")*)"/sy
    const plain = /[^",\r\n]*/y
    const cell = text[at] === '"' ? quoted : plain
    cell.lastIndex = at
    const found = cell.exec(text)
    if (!found) throw new Error(`no cell at ${at}`)
    row.push(found[1] === undefined ? found[0] : found[1].replaceAll('""', '"'))
    at = cell.lastIndex
    if (text[at] === ',') at++
    else if (text.startsWith('\r\n', at)) {
      rows.push(row)
      row = []
      at += 2
    } else throw new Error(`neither comma nor line end at ${at}`)
  }
  if (row.length > 0) throw new Error('the last line has no end')
  return rows
}

/** A Python that has openpyxl. */
export const python = fileURLToPath(new URL('../../../.cache/clients/bin/python', import.meta.url))

/** What to give tap as `skip` for a test that needs openpyxl. */
export const noOpenpyxl = !existsSync(python) && 'scripts/get-clients has not installed openpyxl'
