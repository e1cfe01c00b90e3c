import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { baseUrl } from '../../http/base-url.js'
import { CHOICES } from '../../http/negotiate.js'
import { announced, versionsDocument, versionsSchema } from './versions.js'

/** The versions document, for any verb and without a token: 200 where it was asked for, 300 anywhere else. */
function routes(app: FastifyInstance, deps: Deps): void {
  const list = announced(deps.config, deps.stores)
  const answer = (status: number) => async (request: FastifyRequest, reply: FastifyReply) =>
    reply
      .code(status)
      .header('content-type', 'application/json')
      .send(versionsDocument(list, baseUrl(deps, request)))
  const config = { public: true, body: 'ignore' as const }
  const schema = (status: number) => ({
    tags: ['versions'],
    summary: 'List the versions of the API',
    response: { [status]: versionsSchema },
  })
  for (const [url, status] of [
    ['/', 300],
    ['/versions', 200],
    ['/versions/', 200],
    [CHOICES, 300],
  ] as const) {
    app.get(
      url,
      { config, schema: url === CHOICES || url === '/versions/' ? { hide: true } : schema(status) },
      answer(status),
    )
    app.route({
      url,
      method: app.supportedMethods.filter(method => method !== 'GET'),
      config,
      schema: { hide: true },
      handler: answer(status),
    })
  }
  app.get('/v2', { schema: { hide: true } }, async (request, reply) =>
    reply.redirect(`${baseUrl(deps, request)}/v2/`, 302),
  )
}

export const discovery: Feature = { name: 'discovery', root: true, routes }
