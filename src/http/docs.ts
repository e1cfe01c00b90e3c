import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyContextConfig, FastifyInstance, FastifySchema } from 'fastify'
import { refusals } from './error-docs.js'
import { reason } from './error-handler.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Refusals to describe beside those that follow from the route's shape. */
    errors?: readonly number[]
  }
}

/** Part of an OpenAPI document, as plain JSON. */
type Json = { [key: string]: unknown }
type Operation = Json & { responses?: Json; parameters?: Json[]; description?: string }
/** What transform tells transformDocument of a route. */
interface Hint {
  public: boolean
  refusals: number[]
}

const HINT = 'x-hint'

/** Parameters of paths, which mean the same wherever they stand. */
const pathParameters: Record<string, string> = {
  image_id: 'Id of the image (UUID).',
  member_id: 'Id of the project that the image is shared with.',
  consumer_id: 'What the consumer is registered as: up to 255 characters, such as the id of a server.',
  share_id: 'Id of the share (UUID).',
  tag: 'The tag.',
  task_id: 'Id of the task (UUID).',
  link_id: 'Id of the link (UUID).',
  secret: 'The secret of the link, which stands for a token.',
  store_id: 'Name of the store.',
  lineage_id: 'Id of the lineage (UUID).',
  version: 'Number of the version, or `latest` for the highest active one, or `production`.',
  namespace: 'Name of the namespace.',
  object: 'Name of the object.',
  property: 'Name of the property.',
  resource_type: 'Name of the resource type, such as `OS::Glance::Image`.',
}

const tags: Record<string, string> = {
  versions: 'Which versions of the API there are.',
  images: 'The image record: attributes, properties, states.',
  'image data': "The image's bytes: upload, stage, import, download.",
  members: 'Projects that an image is shared with.',
  shares: 'Groups and domains that an image is shared with.',
  consumers: 'Who uses an image, and what machines made from it get.',
  tags: 'Words to find images by.',
  links: 'Links by which anybody downloads an image, for a day at most.',
  tasks: 'Jobs in the background.',
  info: 'What clients ask before they import or choose a store.',
  cache: "Copies of images on the server's own disk, for its operators.",
  'recycle bin': 'Deleted images, which can be restored for a while.',
  batch: 'The same for many images at once.',
  exports: 'Lists of images as files for spreadsheets.',
  metadefs: 'Metadata definitions: which properties images and other resources may have.',
  schemas: 'JSON Schemas of what the API speaks of.',
  lineages: 'Versions of an image, one of them in production.',
  operation: 'Health and counters, for operators.',
}

/**
 * Has the routes that follow described in an OpenAPI 3.1 document, which `app.swagger()` gives: their own schemas, and
 * what is the same for all of them (security, refusals, what the parameters of a path mean) added here.
 */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Vitrine',
        version: version(),
        summary: 'A VM image registry that speaks the OpenStack Image API v2',
        description:
          'The Image API v2 as OpenStack Glance serves it. Every path under `/v2` is also served under the minor ' +
          'versions that `GET /versions` lists (`/v2.9/…`), with no difference.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This server' }],
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    },
    exposeHeadRoutes: false,
    transform: ({ schema, url, route }) => ({ schema: withHints(schema ?? {}, url, route), url }),
    transformObject: document =>
      transformDocument(('openapiObject' in document ? document.openapiObject : {}) as Json) as never,
  })
}

/** Serves the document at /openapi.json and a page to read and try it at /docs, for anybody; all from this server. */
export async function docsRoutes(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', route => {
    route.config = { ...route.config, public: true, body: 'ignore' }
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'none' },
    // not the plugin's own policy, which sends browsers to https and lets a stranger's server draw a badge
    staticCSP: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self' 'unsafe-inline'"],
      'img-src': ["'self' data:"],
      'connect-src': ["'self'"],
      'base-uri': ["'none'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    },
  })
}

/** Adds to a route's schema what follows from its path and its config. */
function withHints(
  schema: FastifySchema,
  url: string,
  route: { method: string | string[]; config?: FastifyContextConfig },
): FastifySchema {
  const names = [...url.matchAll(/:([a-z_]+)/g)].map(([, name]) => name!)
  const given = (schema.params as { properties?: Json } | undefined)?.properties ?? {}
  const properties = Object.fromEntries(
    names.map(name => [name, given[name] ?? { type: 'string', description: pathParameters[name] ?? '' }]),
  )
  const hint: Hint = {
    public: route.config?.public ?? false,
    refusals: refusalsOf([route.method].flat()[0]!, names, route.config ?? {}),
  }
  return {
    ...schema,
    ...(names.length > 0 && { params: { type: 'object', required: names, properties } }),
    ...{ [HINT]: hint },
  }
}

/** The refusals that a route's shape brings with it, whatever it does. */
function refusalsOf(method: string, parameters: string[], config: FastifyContextConfig): number[] {
  if (config.public) return [...(config.errors ?? [])]
  const found = [400, 401, 403, 503, ...(config.errors ?? [])]
  const changes = method !== 'GET'
  const body = config.body ?? 'none'
  if (parameters.length > 0) found.push(404)
  if (parameters.length > 0 && changes) found.push(409)
  if (body === 'object' || body === 'array' || body === 'stream') found.push(413)
  if (body === 'stream') found.push(408, 410)
  if (config.media) found.push(415)
  return [...new Set(found)].sort()
}

/** Completes the document that @fastify/swagger has put together. */
function transformDocument(document: Json): Json {
  const named: Json = { Error: errorSchema }
  for (const [path, item] of Object.entries(
    (document.paths ?? {}) as Record<string, Record<string, Operation>>,
  )) {
    for (const [method, operation] of Object.entries(item)) {
      const hint = operation[HINT] as Hint
      delete operation[HINT]
      operation.operationId = operationId(method, path)
      operation.security = hint.public ? [] : [{ token: [] }, { basic: [] }, {}]
      operation.responses = {
        ...described(method, operation.responses ?? {}),
        ...Object.fromEntries(
          hint.refusals.map(status => [status, { $ref: `#/components/responses/${nameOf(status)}` }]),
        ),
      }
    }
  }
  const paths = nameSchemas(document.paths, named) as Json
  const used = new Set(JSON.stringify(paths).match(/(?<="#\/components\/responses\/)\w+/g))
  const statuses = Object.keys(refusals).map(Number)
  return {
    ...document,
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Auth-Token',
          description: 'A Keystone token, where `VITRINE_AUTH=keystone`.',
        },
        basic: {
          type: 'http',
          scheme: 'basic',
          description: 'Name and password, where `VITRINE_AUTH=basic`.',
        },
      },
      schemas: named,
      responses: Object.fromEntries(
        statuses.filter(status => used.has(nameOf(status))).map(status => [nameOf(status), refusal(status)]),
      ),
    },
  }
}

const successes: Record<string, string> = {
  200: 'Done; the body is what is there now',
  201: 'Made; the body is what was made',
  204: 'Done',
}

/** The answers that a route declares; one that declares none deletes something, and answers 204. */
function described(method: string, responses: Json): Json {
  const unsaid = 'Default Response'
  const entries = Object.entries(responses as Record<string, Json>)
  const [only] = entries
  if (method === 'delete' && entries.length === 1 && only?.[0] === '200' && only[1].description === unsaid)
    return { 204: { description: successes[204] } }
  return Object.fromEntries(
    entries.map(([status, response]) => [
      status,
      response.description === unsaid && status in successes
        ? { ...response, description: successes[status] }
        : response,
    ]),
  )
}

const nameOf = (status: number) => reason(status).replaceAll(/[^A-Za-z]/g, '')

/** Such as get_images_image_id for GET /v2/images/{image_id}: stays the same while the wording changes. */
const operationId = (method: string, path: string) =>
  [method, ...path.replace(/^\/v2\//, '').split(/[^a-z0-9_]+/i)].filter(Boolean).join('_')

const errorSchema = {
  type: 'object',
  required: ['message', 'code', 'title'],
  properties: {
    message: { type: 'string', description: 'One sentence that says what is wrong.' },
    code: { type: 'string', description: 'Status and its phrase.', examples: ['404 Not Found'] },
    title: { type: 'string', description: 'The phrase.', examples: ['Not Found'] },
  },
}

function refusal(status: number): Json {
  return {
    description: refusals[status],
    content: {
      'text/plain': { schema: { type: 'string' } },
      'application/json': { schema: { $ref: '#/components/schemas/Error' } },
    },
  }
}

/**
 * Glance's schema documents have a name of their own: each becomes a component, and a reference where it stood. What
 * only Glance's documents have (`name`, `links`) is left out. Of two with one name the fuller becomes the component.
 */
function nameSchemas(value: unknown, named: Json): unknown {
  const found = collectDocuments(value, new Map())
  for (const [component, document] of found) named[component] = withoutGlance(document, found)
  return referTo(value, found)
}

function isDocument(value: unknown): value is Json & { name: string; properties: Json } {
  if (typeof value !== 'object' || value === null || 'in' in value) return false
  const { name, properties } = value as Json
  return typeof name === 'string' && typeof properties === 'object' && properties !== null
}

const componentOf = (name: string) =>
  name.replaceAll(/(?:^|[^a-z])([a-z])/gi, (_, letter: string) => letter.toUpperCase())

function collectDocuments(value: unknown, found: Map<string, Json>): Map<string, Json> {
  if (typeof value !== 'object' || value === null) return found
  if (isDocument(value)) {
    const component = componentOf(value.name)
    const known = found.get(component)?.properties as Json | undefined
    if (Object.keys(known ?? {}).length < Object.keys(value.properties).length) found.set(component, value)
  }
  for (const item of Object.values(value)) collectDocuments(item, found)
  return found
}

/** A value with a reference in the place of each document that is a component. */
function referTo(value: unknown, found: Map<string, Json>): unknown {
  if (Array.isArray(value)) return value.map(item => referTo(item, found))
  if (typeof value !== 'object' || value === null) return value
  if (!isDocument(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, referTo(item, found)]))
  const component = componentOf(value.name)
  if (JSON.stringify(found.get(component)?.properties) !== JSON.stringify(value.properties))
    return withoutGlance(value, found)
  return { $ref: `#/components/schemas/${component}` }
}

function withoutGlance({ name, links, ...schema }: Json, found: Map<string, Json>): Json {
  return { type: 'object', ...(referTo(schema, found) as Json) }
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version
}
