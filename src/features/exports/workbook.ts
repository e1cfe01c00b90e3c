import { Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import { sheetXml, stylesXml } from './sheet.js'

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
const types = 'application/vnd.openxmlformats-officedocument.spreadsheetml'
const packages = 'http://schemas.openxmlformats.org/package/2006'
const documents = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const SHEET = 'xl/worksheets/sheet1.xml'

const relations = (...all: readonly [kind: string, target: string][]) =>
  `<Relationships xmlns="${packages}/relationships">${all
    .map(
      ([kind, target], n) =>
        `<Relationship Id="rId${n + 1}" Type="${documents}/${kind}" Target="${target}"/>`,
    )
    .join('')}</Relationships>`

/** What surrounds the only worksheet, by name of the file in the archive (ECMA-376, part 2). */
const parts: Record<string, string> = {
  '[Content_Types].xml':
    `<Types xmlns="${packages}/content-types"><Default Extension="xml" ContentType="application/xml"/>` +
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
    `<Override PartName="/xl/workbook.xml" ContentType="${types}.sheet.main+xml"/>` +
    `<Override PartName="/xl/styles.xml" ContentType="${types}.styles+xml"/>` +
    `<Override PartName="/${SHEET}" ContentType="${types}.worksheet+xml"/></Types>`,
  '_rels/.rels': relations(['officeDocument', 'xl/workbook.xml']),
  'xl/workbook.xml':
    `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="${documents}">` +
    '<sheets><sheet name="images" sheetId="1" r:id="rId1"/></sheets></workbook>',
  'xl/_rels/workbook.xml.rels': relations(['worksheet', 'worksheets/sheet1.xml'], ['styles', 'styles.xml']),
  'xl/styles.xml': stylesXml,
}

/**
 * Rows as a workbook (.xlsx) with one worksheet of text cells. Nothing is kept: a page of rows is asked for when its
 * reader has taken the one before, and no more once the stream is destroyed.
 */
export function workbook(pages: AsyncIterable<readonly string[][]>, mtime: Date): Readable {
  const zip = new ZipFile()
  for (const [name, xml] of Object.entries(parts))
    zip.addBuffer(Buffer.from(declaration + xml), name, { mtime })
  const sheet = Readable.from(sheetXml(pages), { highWaterMark: 1 })
  // level 1 takes a third of the time of 6 for a file half as large again
  zip.addReadStream(sheet, SHEET, { mtime, compressionLevel: 1 })
  zip.end()
  const output = zip.outputStream as Readable
  // the archive passes neither the sheet's errors on, which nobody would catch, nor the end of interest back
  for (const part of [sheet, zip]) part.on('error', (error: Error) => output.destroy(error))
  output.once('close', () => sheet.destroy())
  return output
}
