import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { openDownload } from '../../data/download.js'
import { send } from '../../data/send.js'
import type { Deps } from '../../deps.js'
import { NotFound } from '../../errors.js'
import { abortSignal } from '../../http/abort.js'
import { baseUrl } from '../../http/base-url.js'
import { queryOf } from '../../http/query.js'
import { done, octets, optional, text } from '../../http/schemas.js'
import { checker } from '../../http/validation.js'
import { time } from '../../images/view.js'
import { etagOf, isKnown, rangeOf } from './conditions.js'
import { create } from './create.js'
import { list, revoke } from './manage.js'
import { dispositionOf, firstPublic, presign } from './presign.js'
import { type Redeemed, redeem, stands } from './redeem.js'
import { LinkList, MadeLink, NewLink } from './schemas.js'
import { openWatch } from './watch.js'

type OfImage = { Params: { image_id: string } }
type BySecret = { Params: { secret: string } }
const tags = ['links']

/** Seconds for which a redirection to the object store works. */
const REDIRECTED = 60

/** Making, listing and revoking links: for those who have signed in. */
export function manageRoutes(app: FastifyInstance, deps: Deps): void {
  const check = checker(NewLink)

  app.post<OfImage & { Body: NewLink }>(
    '/images/:image_id/links',
    {
      config: { body: 'object' },
      schema: {
        tags,
        summary: 'Make a download link',
        description:
          'Who has the link needs no token. It ends by itself after a day at most, when it is revoked, and as soon as ' +
          'its maker may not download the image any more.',
        body: NewLink,
        response: { 201: MadeLink },
      },
    },
    async (request, reply) => {
      const { body, caller, params } = request
      check(body)
      const { id, secret, expires_at } = await create(deps, caller, params.image_id, body)
      const url = id === null ? secret : `${baseUrl(deps, request)}/v2/links/${secret}`
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({ id, url, expires_at: time(expires_at) })
    },
  )

  app.get<OfImage>(
    '/images/:image_id/links',
    {
      schema: {
        tags,
        summary: "List an image's live links",
        description:
          "Members of the owning project and admins see all, others their own. Secrets aren't shown.",
        querystring: optional({
          limit: {
            type: 'integer',
            minimum: 0,
            description: 'Rows of the page: 25 when not said, 1000 at most.',
          },
          marker: text('The last row of the page before: its id.'),
        }),
        response: { 200: LinkList },
      },
    },
    async request => {
      const found = await list(deps, request.caller, request.params.image_id, queryOf(request))
      const rows = found.links.map(link => ({
        id: link.id,
        filename: link.filename,
        user_id: link.user_id,
        project_id: link.project_id,
        created_at: time(link.created_at),
        expires_at: time(link.expires_at),
      }))
      return { links: rows, ...(found.next !== null && { next: found.next }) }
    },
  )

  app.delete<{ Params: { image_id: string; link_id: string } }>(
    '/images/:image_id/links/:link_id',
    {
      schema: {
        tags,
        summary: 'Revoke a link',
        description: 'Downloads that are under way by it end within five seconds.',
        response: done,
      },
    },
    async ({ caller, params }, reply) => {
      await revoke(deps, caller, params.image_id, params.link_id)
      return reply.code(204).send()
    },
  )
}

/** Using a link: for anybody, by its secret alone. */
export function redeemRoutes(app: FastifyInstance, deps: Deps): void {
  const watch = openWatch(link => stands(deps, link), deps.log)
  const config = { public: true, allow: 'GET, HEAD', errors: [400, 404, 416, 503] }

  app.get<BySecret>(
    '/links/:secret',
    {
      config: { ...config, transfer: 'out' as const },
      schema: {
        tags,
        summary: "Download an image's bytes by a link",
        headers: optional({
          range: text('One range of bytes, as `bytes=1024-`.'),
          'if-range': text('The ETag of the bytes to go on with; all of them come when it is another.'),
          'if-none-match': text('ETags of bytes that need not be sent.'),
        }),
        response: {
          200: bytes('All bytes'),
          206: bytes('The bytes of the range'),
          302: { type: 'null', description: 'To the bytes in an object store that anybody reaches' },
          304: { type: 'null', description: 'The bytes are those of If-None-Match' },
        },
      },
    },
    async (request, reply) => {
      const redeemed = await redeem(deps, request.params.secret)
      const { link, image } = redeemed
      request.log.info({ link: link.id, image: image.id, user: link.user_id }, 'a link was followed')
      const etag = describe(reply, redeemed)
      if (isKnown(request.headers['if-none-match'], etag)) return reply.code(304).send()
      const elsewhere = await presigned(deps, request, redeemed, etag)
      if (elsewhere === undefined) return transfer(request, reply, redeemed, etag)
      return reply.removeHeader('etag').redirect(elsewhere, 302)
    },
  )

  app.head<BySecret>(
    '/links/:secret',
    {
      config,
      schema: {
        tags,
        summary: 'Show what a link leads to',
        response: { 200: { type: 'null', description: 'The headers that GET sends with all bytes' } },
      },
    },
    async (request, reply) => {
      const redeemed = await redeem(deps, request.params.secret)
      const etag = describe(reply, redeemed)
      if (isKnown(request.headers['if-none-match'], etag)) return reply.code(304).send()
      return reply
        .header('content-type', 'application/octet-stream')
        .header('content-length', redeemed.image.size)
        .send()
    },
  )

  /** Sends the bytes through this server, as long as the link works. */
  async function transfer(
    request: FastifyRequest,
    reply: FastifyReply,
    { link, image }: Redeemed,
    etag: string | null,
  ): Promise<FastifyReply> {
    const wishes = { range: rangeOf(request.headers, etag), 'content-range': undefined }
    const found = await openDownload(deps, image, wishes, abortSignal(reply))
    if (!found) throw new NotFound('The bytes are gone.')
    const { socket } = reply.raw
    // a reset, so that nothing is delivered that waits in the connection
    const letGo = watch.follow(link.id, () => socket?.resetAndDestroy())
    try {
      await send(request, reply, found)
    } finally {
      letGo()
    }
    return reply
  }
}

/** Headers that all answers with an image have; gives its ETag. */
function describe(reply: FastifyReply, { link, image }: Redeemed): string | null {
  const etag = etagOf(image)
  reply.headers({
    ...(etag && { etag }),
    'accept-ranges': 'bytes',
    'content-disposition': dispositionOf(image, link.filename),
    // a copy in a cache would outlive the link, and so would one that a proxy has read ahead
    'cache-control': 'private, no-cache',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  })
  return etag
}

/**
 * Where the client finds the bytes, when the object store is a public one. Not who goes on with bytes by our ETag: the
 * store has others, and would begin anew.
 */
async function presigned(
  deps: Deps,
  { headers }: FastifyRequest,
  { link, image }: Redeemed,
  etag: string | null,
): Promise<string | undefined> {
  const copy = firstPublic(deps, image)
  if (!copy || (etag !== null && headers['if-range'] === etag)) return undefined
  return presign(copy, image, link.filename, REDIRECTED)
}

const bytes = (description: string) => ({
  description,
  headers: {
    ETag: text("The hash of all bytes, `os_hash_value`; the object store's own where it sends them."),
    'Content-Disposition': text('The name to save the bytes under.'),
  },
  content: { 'application/octet-stream': { schema: octets } },
})
