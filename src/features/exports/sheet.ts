import { columns, headings } from './rows.js'

/** A worksheet of text cells as SpreadsheetML (ECMA-376, part 1, 18.3): the rows' XML, piece by piece. */

/** Rows that a worksheet has at most, headings included, and characters of a cell: Excel's limits. */
const MAX_SHEET_ROWS = 1_048_576
const MAX_CELL = 32_767

/** Images that fit into one worksheet. */
export const MAX_ROWS = MAX_SHEET_ROWS - 1

const styles = { heading: 1, text: 2 } as const

/** Styles of cells: none, headings in bold, and text that stays text when it is edited. */
export const stylesXml =
  '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">' +
  '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>' +
  '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>' +
  '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>' +
  '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>' +
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>' +
  '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>' +
  '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>' +
  '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/></cellXfs>' +
  '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>' +
  '</styleSheet>'

const head =
  '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' +
  '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">' +
  '<sheetViews><sheetView workbookViewId="0">' +
  '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>' +
  `<cols>${columns.map(({ width }, n) => `<col min="${n + 1}" max="${n + 1}" width="${width}" customWidth="1"/>`).join('')}</cols>` +
  '<sheetData>'

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' }

/**
 * Text as XML 1.0 can hold it. Characters that it can not hold become _xHHHH_, which workbooks have for them (ECMA-376,
 * part 1, 22.9.2.19), so text that looks like one has its underscore written so. Cut at the end of what a cell holds.
 */
export function xmlText(text: string): string {
  return text
    .slice(0, MAX_CELL)
    .replace(
      /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|_(?=x[0-9a-f]{4}_)/gi,
      character => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`,
    )
    .replace(/[&<>\r]/g, character => entities[character]!)
}

const letters = columns.map((_, n) => String.fromCharCode(65 + n))

function rowXml(cells: readonly string[], number: number, style: number): string {
  const written = cells.map((text, n) =>
    text === ''
      ? ''
      : `<c r="${letters[n]}${number}" s="${style}" t="inlineStr"><is><t xml:space="preserve">${xmlText(text)}</t></is></c>`,
  )
  return `<row r="${number}">${written.join('')}</row>`
}

/** The worksheet of these rows. Throws when there are more than it has room for. */
export async function* sheetXml(pages: AsyncIterable<readonly string[][]>): AsyncGenerator<string> {
  let number = 1
  yield head + rowXml(headings, number, styles.heading)
  for await (const rows of pages) {
    if (number + rows.length > MAX_SHEET_ROWS) throw new Error('There are more rows than a worksheet holds.')
    if (rows.length > 0) yield rows.map(cells => rowXml(cells, ++number, styles.text)).join('')
  }
  yield '</sheetData></worksheet>'
}
