import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import { BadRequest } from '../../errors.js'
import { queryOf } from '../../http/query.js'
import { octets, text } from '../../http/schemas.js'
import { sendStream } from '../../http/send-stream.js'
import { listQuery } from '../../images/list-query.js'
import { csv } from './csv.js'
import { openExport } from './export.js'
import { MAX_ROWS } from './sheet.js'
import { workbook } from './workbook.js'

interface Format {
  type: string
  /** Rows that it can hold; any number when not said. */
  most?: number
  write: (pages: AsyncIterable<readonly string[][]>, now: Date) => Readable
}

const formats: Record<string, Format> = {
  xlsx: {
    type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    most: MAX_ROWS,
    write: workbook,
  },
  csv: { type: 'text/csv; charset=utf-8; header=present', write: csv },
}

const { limit, marker, ...filters } = listQuery

/** The list of images as a file for a spreadsheet: /v2/exports. */
export function exportRoutes(app: FastifyInstance, deps: Deps): void {
  app.get(
    '/exports/images',
    {
      config: { body: 'ignore', transfer: 'out' },
      schema: {
        tags: ['exports'],
        summary: 'Download the list of images as a workbook or CSV',
        description:
          'The rows that `GET /v2/images` shows the caller with the same filters, all of them in one file: name, id, ' +
          'status, visibility, owner, size (bytes), disk_format, container_format, architecture, firmware, os_type, ' +
          'os_distro, os_version, features (those of `feature_cloud_init`, `feature_hot_upgrade` and ' +
          '`hw_qemu_guest_agent` that are yes), encryption (yes or no), version, production, created (UTC). All cells ' +
          `are text. A workbook has at most ${MAX_ROWS} images.`,
        querystring: {
          type: 'object',
          required: ['format'],
          properties: {
            format: { type: 'string', enum: Object.keys(formats), description: 'What the file is.' },
            created_by: {
              type: 'string',
              enum: ['me'],
              description: 'Only images that the caller has made, whatever project owns them.',
            },
            ...filters,
          },
        },
        response: {
          200: {
            description: 'The file',
            headers: { 'Content-Disposition': text('Its name: `images-`, the date (UTC) and the format.') },
            content: Object.fromEntries(
              Object.values(formats).map(({ type }) => [type.split(';', 1)[0], { schema: octets }]),
            ),
          },
        },
      },
    },
    async (request, reply) => {
      const query = queryOf(request)
      const name = query.getAll('format').at(-1) ?? ''
      const format = Object.hasOwn(formats, name) ? formats[name] : undefined
      if (!format) throw new BadRequest(`format must be one of ${Object.keys(formats).join(', ')}.`)
      const pages = await openExport(deps, request.caller, query, format.most)
      const now = deps.now()
      return sendStream(request, reply, format.write(pages, now), {
        'content-type': format.type,
        'content-disposition': `attachment; filename="images-${now.toISOString().slice(0, 10)}.${name}"`,
      })
    },
  )
}
