import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Logger } from 'pino'
import type { Caller } from '../auth/caller.js'
import { nobody } from '../auth/caller.js'
import { BadRequest, HeaderTooLarge, UnsupportedMedia } from '../errors.js'
import { type BodyKind, checkShape, hasBody, readBody } from './body.js'
import { compressed } from './compress.js'
import { openCors } from './cors.js'
import { wantBody } from './early-answer.js'
import { errorBody, handleError } from './error-handler.js'
import { openProxies } from './forwarded.js'
import { maskPath } from './mask-path.js'
import { otherMethods } from './methods.js'
import { negotiator } from './negotiate.js'
import { MAX_REQUEST_ID, requestId } from './request-id.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no authentication. */
    public?: boolean
    /** What the route does with a body; `none` when not said. */
    body?: BodyKind
    /** Media types that the body may have (415 otherwise, parameters ignored), and headers of that answer. */
    media?: { types: readonly string[]; headers?: Record<string, string> }
    /** Value of Allow on this path where it differs from its methods; false: other verbs are 404. */
    allow?: string | false
    /** An addition that Allow does not mention. */
    unlisted?: boolean
  }
  interface FastifyRequest {
    /** Media type of the body, lower case, without parameters; empty when none was named. */
    media: string
  }
}

export interface ServerOptions {
  log: Logger
  /** Who sends this request; throws Unauthorized, Forbidden or Unavailable. */
  authenticate: (request: FastifyRequest) => Promise<Caller>
  /** Minor versions of v2 that are served as URL prefix. */
  minors: ReadonlySet<number>
  /** CIDRs of the proxies whose word on the client counts. */
  trustedProxies: readonly string[]
  /** Origins of web pages that may call. */
  corsOrigins: readonly string[]
  /** Told of every request before anything else looks at it; what it returns is told of the end. */
  observe?: (request: FastifyRequest) => (status: number, cut: boolean) => void
}

/**
 * The HTTP server that all features share, with what is the same for each of their routes, in Glance's order:
 * version negotiation, identity (401 before 404 and 405), unknown paths and verbs, refused bodies, media type,
 * JSON. Nothing bounds the time of a whole request, as transfers take hours: whoever moves bytes bounds idling.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const negotiate = negotiator(options.minors)
  const proxies = options.trustedProxies.length > 0 ? openProxies(options.trustedProxies) : null
  const cors = openCors(options.corsOrigins)
  const app = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    requestIdHeader: false,
    genReqId: raw => requestId(raw as IncomingMessage),
    rewriteUrl: raw => {
      proxies?.normalise(raw as IncomingMessage)
      return negotiate(raw as IncomingMessage)
    },
    trustProxy: proxies?.trusts ?? false,
    exposeHeadRoutes: false,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: false, caseSensitive: true, maxParamLength: 8192 },
    // a path that can't be read meets no hook
    frameworkErrors: (error, request, reply) => {
      void reply.header('x-openstack-request-id', request.id)
      handleError(new BadRequest(maskPath(error.message)), request, reply as never)
    },
    clientErrorHandler: answerUnreadable,
  }) as unknown as FastifyInstance

  // the versions documents answer every verb, those that only WebDAV knows too
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method)
  }
  // response schemas are documentation: what is sent is what the view made
  app.setSerializerCompiler(() => value => JSON.stringify(value))
  // requests are checked by the stories, in Glance's order; schemas on routes are documentation
  app.setValidatorCompiler(() => () => true)
  app.decorateRequest('caller', null as never)
  app.decorateRequest('media', '')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
    readBody(request, payload),
  )

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id)
    request.caller = nobody
    const ended = options.observe?.(request)
    const began = performance.now()
    // asked now, as a connection that has ended knows no address
    const client = request.ip
    // not the hook onResponse, which leaves out the answers that a client did not wait for
    whenOver(reply.raw, cut => {
      ended?.(reply.raw.statusCode, cut)
      logAnswer(request, reply.raw.statusCode, { cut, client, ms: performance.now() - began })
    })
    if (cors?.(request, reply)) return reply
    const { config } = request.routeOptions
    const sentId = request.headers['x-openstack-request-id']
    if (typeof sentId === 'string' && sentId.length > MAX_REQUEST_ID) {
      throw new HeaderTooLarge(`X-Openstack-Request-Id may have at most ${MAX_REQUEST_ID} characters.`)
    }
    if (!config.public) request.caller = await options.authenticate(request)
    if (request.is404) return
    // to the router a path that ends in a slash has an empty last parameter; to Glance it is another path
    if (Object.values(request.params as object).includes('')) refuse(request)
    request.media = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
    const body = config.body ?? 'none'
    if (body === 'none' && hasBody(request.raw)) throw new BadRequest('This request takes no body.')
    if (config.media) {
      if (!config.media.types.includes(request.media)) {
        throw new UnsupportedMedia(`The Content-Type must be ${config.media.types.join(' or ')}.`, {
          headers: config.media.headers ?? {},
        })
      }
    }
    // Glance never looks at the content type of JSON; clients send octet-stream with no body, or nonsense
    if (body !== 'stream') delete request.raw.headers['content-type']
  })
  app.addHook('preParsing', async (request, reply, payload) => {
    const body = request.routeOptions.config?.body
    if (body === 'object' || body === 'array') wantBody(request, reply)
    return payload
  })
  app.addHook('preValidation', async request => {
    checkShape(request.routeOptions.config.body ?? 'none', request.body)
  })
  // JSON without a charset, as Glance sends it and RFC 8259 has it
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.getHeader('content-type') === 'application/json; charset=utf-8') {
      reply.header('content-type', 'application/json')
    }
    return compressed(request, reply, payload)
  })
  app.setErrorHandler(handleError)
  const refuse = otherMethods(app)
  app.setNotFoundHandler(request => refuse(request))
  // a client that waits before it sends its body is told to go on only when nothing speaks against it
  app.server.on('checkContinue', (request, response) => app.routing(request, response))
  return app
}

/** Calls back once, when the answer was sent or its client went away before the end (`cut`). */
function whenOver(raw: ServerResponse, over: (cut: boolean) => void): void {
  let cut = true
  raw.once('finish', () => {
    cut = false
  })
  raw.once('close', () => over(cut))
}

/** One line for each request. */
function logAnswer(
  request: FastifyRequest,
  status: number,
  { cut, client, ms }: { cut: boolean; client: string; ms: number },
): void {
  request.log.info(
    {
      method: request.method,
      url: maskPath(request.originalUrl.split('?', 1)[0] ?? ''),
      status,
      ms: Math.round(ms * 10) / 10,
      client,
      user: request.caller.user_id,
      project: request.caller.project_id,
      ...(cut && { cut }),
    },
    'answered',
  )
}

/** Answers what Node's parser could not read (header too large, not HTTP), then closes. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: import('node:net').Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const sentence =
    status === 431
      ? 'The request headers are too large.'
      : status === 408
        ? 'The request headers did not arrive in time.'
        : 'The request is not HTTP that this server understands.'
  const { type, body } = errorBody(undefined, status, sentence)
  const phrase = body.slice(4, body.indexOf('\n'))
  socket.end(
    `HTTP/1.1 ${status} ${phrase}\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
