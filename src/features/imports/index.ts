import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { taskRequestId } from '../../http/request-id.js'
import { optional, text } from '../../http/schemas.js'
import { expireTasks, LEASE, reviveTasks } from '../../queue/tasks.js'
import { parseImport } from './request.js'
import { importRunner } from './run.js'
import { start } from './start.js'

function routes(app: FastifyInstance, deps: Deps): void {
  app.post<{ Params: { image_id: string }; Body: Record<string, unknown> }>(
    '/images/:image_id/import',
    {
      config: { body: 'object' },
      schema: {
        tags: ['image data'],
        summary: "Import an image's bytes",
        description:
          'Fetches, converts and stores in the background; `GET /v2/images/{image_id}/tasks` tells how it goes. The ' +
          'methods that are enabled: `GET /v2/info/import`.',
        headers: optional({
          'x-image-meta-store': text('Store to put the bytes in, where the body names none.'),
        }),
        body: {
          type: 'object',
          required: ['method'],
          properties: {
            method: {
              type: 'object',
              description: 'Where the bytes come from.',
              required: ['name'],
              properties: {
                name: {
                  type: 'string',
                  enum: ['glance-direct', 'web-download', 'copy-image', 'glance-download'],
                  description: 'The method.',
                },
                uri: text(
                  'Address of the bytes, for web-download: http, https, or ftp://[user:password@]host[:port]/path.',
                ),
                checksum: text(
                  'An addition to Glance, for web-download: the digest that the fetched bytes must have, as ' +
                    '`sha256:<hex>` or `sha512:<hex>`; else the import fails.',
                ),
                glance_image_id: text('Id of the image in the other region, for glance-download.'),
                glance_region: text('Region of the other Glance, for glance-download.'),
                glance_service_interface: text(
                  'Which endpoint of it, for glance-download; `public` when not said.',
                ),
              },
            },
            stores: { type: 'array', items: { type: 'string' }, description: 'Stores to put the bytes in.' },
            all_stores: { type: 'boolean', description: 'Put them in all stores.' },
            all_stores_must_succeed: {
              type: 'boolean',
              description: 'Whether one store that fails makes the import fail; true when not said.',
            },
          },
        },
        response: { 202: { type: 'null', description: 'The import was begun' } },
      },
    },
    async (request, reply) => {
      const { body, caller, params } = request
      const store = request.headers['x-image-meta-store']
      await start(deps, caller, {
        id: params.image_id,
        request: parseImport(body, deps.config.import_methods),
        body,
        store: Array.isArray(store) ? store[0] : store,
        request_id: taskRequestId(request),
      })
      return reply.code(202).send()
    },
  )
}

/** Imports: bytes that come from somewhere else than a request's body, by a job. */
export const imports: Feature = {
  name: 'imports',
  routes,
  tasks: { api_image_import: importRunner },
  jobs: [
    {
      name: 'revive-tasks',
      every: LEASE / 2,
      atStart: true,
      run: (deps, _signal, starting) => {
        const alone = starting && deps.config.database_url === null && deps.config.processes === 1
        return reviveTasks(deps.db, alone ? 0 : LEASE, deps.config.import_tasks_per_project)
      },
    },
    { name: 'expire-tasks', every: 3600, run: deps => expireTasks(deps.db) },
  ],
}
