import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
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
        body: {
          type: 'object',
          required: ['method'],
          properties: {
            method: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
            stores: { type: 'array', items: { type: 'string' } },
            all_stores: { type: 'boolean' },
            all_stores_must_succeed: { type: 'boolean' },
          },
        },
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
        request_id: request.id,
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
        return reviveTasks(deps.db, alone ? 0 : LEASE)
      },
    },
    { name: 'expire-tasks', every: 3600, run: deps => expireTasks(deps.db) },
  ],
}
