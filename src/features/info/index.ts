import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import { NotFound } from '../../errors.js'
import type { Feature } from '../../feature.js'
import { limitNames } from '../../quota/limits.js'
import { usageOf } from '../../quota/usage.js'

/** What clients ask before they import or choose a store. */
function routes(app: FastifyInstance, deps: Deps): void {
  const tags = ['info']
  app.get('/info/import', { schema: { tags, summary: 'List the import methods' } }, async () => ({
    'import-methods': {
      description: 'Import methods available.',
      type: 'array',
      value: deps.config.import_methods,
    },
  }))

  app.get(
    '/info/usage',
    { config: { allow: false, body: 'ignore' }, schema: { tags, summary: 'Show limits and usage' } },
    async request => {
      const { project_id } = request.caller
      const limits = await deps.limits.of(project_id)
      const shown = limitNames.filter(name => limits[name] !== null)
      const rows = await Promise.all(
        shown.map(async name => {
          const usage = project_id === null ? 0 : await usageOf(deps.db, name, project_id)
          return [name, { usage, limit: limits[name] }] as const
        }),
      )
      return { usage: Object.fromEntries(rows) }
    },
  )

  app.get('/info/stores', { schema: { tags, summary: 'List the stores' } }, async () => {
    const { stores } = deps
    if (!stores.multi) throw new NotFound('There is one store only, which has no name for clients.')
    return {
      stores: stores.names.map(id => {
        const { description, kind } = stores.settings(id)
        return {
          id,
          ...(description !== null && { description }),
          // Glance sends these as strings, and only when they hold
          ...(id === stores.defaultName && { default: 'true' }),
          ...(kind === 'http' && { 'read-only': 'true' }),
        }
      }),
    }
  })
}

export const info: Feature = { name: 'info', routes }
