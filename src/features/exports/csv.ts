import { Readable } from 'node:stream'
import { headings } from './rows.js'

/** What a spreadsheet takes for the beginning of a formula when it opens a CSV file, some in East Asian widths, too. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/

/** A cell as RFC 4180 writes it; one that would be a formula is made text by an apostrophe before it. */
export function csvCell(text: string): string {
  const safe = formula.test(text) ? `'${text}` : text
  // Excel separates by semicolons in many countries
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const line = (cells: readonly string[]) => `${cells.map(csvCell).join(',')}\r\n`

/**
 * Rows as CSV (RFC 4180, lines end in CR LF, the first one has the headings). It begins with a byte order mark: without
 * one Excel takes UTF-8 for the encoding of its country, and programs have /v2/images.
 */
export function csv(pages: AsyncIterable<readonly string[][]>): Readable {
  async function* text() {
    yield `\ufeff${line(headings)}`
    for await (const rows of pages) if (rows.length > 0) yield rows.map(line).join('')
  }
  return Readable.from(text(), { highWaterMark: 1 })
}
