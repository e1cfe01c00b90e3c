import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { text } from '../../http/schemas.js'
import { limitNames } from '../../quota/limits.js'
import { usageOf } from '../../quota/usage.js'
import { listStores } from './stores.js'

const methodsSchema = {
  type: 'object',
  properties: {
    'import-methods': {
      type: 'object',
      description: 'The enabled methods.',
      properties: {
        description: text('What the value is.'),
        type: text('Type of the value.'),
        value: { type: 'array', items: { type: 'string' }, description: 'Their names.' },
      },
    },
  },
}

const store = {
  id: text('Name of the store, as X-Image-Meta-Store takes it.'),
  description: text("The operator's words."),
  default: text('`true` on the store that takes uploads which name none.'),
  'read-only': text('`true` on a store that nothing can be uploaded to.'),
}
const detail = {
  type: text('Kind of the store: file, s3 or http.'),
  weight: { type: 'integer', description: 'The copy in the heavier store is read first.' },
  properties: { type: 'object', description: 'What there is to know of a store of this kind.' },
}

const listOf = (properties: object) => ({
  type: 'object',
  properties: { stores: { type: 'array', items: { type: 'object', required: ['id'], properties } } },
})
const storesSchema = listOf(store)
const storeDetailsSchema = listOf({ ...store, ...detail })

/** What clients ask before they import or choose a store. */
function routes(app: FastifyInstance, deps: Deps): void {
  const tags = ['info']
  app.get(
    '/info/import',
    { schema: { tags, summary: 'List the import methods', response: { 200: methodsSchema } } },
    async () => ({
      'import-methods': {
        description: 'Import methods available.',
        type: 'array',
        value: deps.config.import_methods,
      },
    }),
  )

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

  app.get(
    '/info/stores',
    { schema: { tags, summary: 'List the stores', response: { 200: storesSchema } } },
    async () => ({ stores: listStores(deps.stores).map(({ store }) => store) }),
  )

  app.get(
    '/info/stores/detail',
    {
      schema: { tags, summary: 'List the stores with their details', response: { 200: storeDetailsSchema } },
    },
    async ({ caller }) => {
      const stores = listStores(deps.stores)
      deps.policy.require(caller, 'stores_info_detail', {})
      return { stores: stores.map(({ store, detail }) => ({ ...store, ...detail() })) }
    },
  )
}

export const info: Feature = { name: 'info', routes }
