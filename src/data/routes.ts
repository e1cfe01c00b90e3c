import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Deps } from '../deps.js'
import { BadRequest, MethodNotAllowed } from '../errors.js'
import { abortSignal } from '../http/abort.js'
import { expectedChecksums } from '../http/checksum-headers.js'
import { lingerAfter, wantBody } from '../http/early-answer.js'
import { queryOf } from '../http/query.js'
import { done, octets, optional, text } from '../http/schemas.js'
import { attributeChecker } from '../images/check.js'
import { parsePatch, patchSchema, patchTypes } from '../images/patch.js'
import { imageSchema } from '../images/schemas.js'
import { view } from '../images/view.js'
import { download } from './download.js'
import { formFile } from './form.js'
import { patch } from './patch.js'
import { remove } from './remove.js'
import { send } from './send.js'
import { stage } from './stage.js'
import { upload } from './upload.js'

type ById = { Params: { image_id: string } }
const tags = ['image data']
const storeHeader = {
  'x-image-meta-store': text('Store to put the bytes in; the default one when not said.'),
}
const sizeHeader = {
  'x-openstack-image-size': text('Bytes that will come, where Content-Length does not say it.'),
}

const checksumHeaders = {
  'x-openstack-image-hash': text(
    'An addition to Glance: the digest of the bytes as `sha256:<hex>` or `sha512:<hex>`. Bytes with another one are ' +
      'refused with 400, and nothing of them is kept.',
  ),
  'repr-digest': text(
    'An addition to Glance: the same as RFC 9530 has it, `sha-256=:<base64>:`, also several algorithms; those other ' +
      'than sha-256 and sha-512 are passed over.',
  ),
}

/** The bytes of an image, and what touches them: its change, for its locations, and its deletion. */
export function dataRoutes(app: FastifyInstance, deps: Deps): void {
  app.put<ById>(
    '/images/:image_id/file',
    {
      config: { body: 'stream', transfer: 'in', media: { types: ['application/octet-stream'] } },
      schema: {
        tags,
        summary: "Upload an image's bytes",
        description:
          'The image must be queued; it is active when all bytes are stored. An upload that breaks off leaves it queued. ' +
          'The bytes may come chunked, without a Content-Length.',
        consumes: ['application/octet-stream'],
        headers: optional({ ...storeHeader, ...sizeHeader, ...checksumHeaders }),
        body: octets,
        response: done,
      },
    },
    async (request, reply) => {
      const { image_id } = request.params
      const expected = expectedSize(request)
      const checksums = expectedChecksums(request.headers)
      return take(request, reply, signal =>
        upload(deps, request.caller, {
          id: image_id,
          expected,
          checksums,
          store: header(request, 'x-image-meta-store'),
          open: () => {
            wantBody(request, reply)
            return request.raw
          },
          signal,
        }),
      )
    },
  )

  if (deps.config.import_methods.includes('glance-direct')) {
    app.put<ById>(
      '/images/:image_id/stage',
      {
        config: { body: 'stream', transfer: 'in', media: { types: ['application/octet-stream'] } },
        schema: {
          tags,
          summary: "Stage an image's bytes",
          description: 'Keeps the bytes until an import with the method glance-direct takes them.',
          consumes: ['application/octet-stream'],
          headers: optional({ ...sizeHeader, ...checksumHeaders }),
          body: octets,
          response: done,
        },
      },
      async (request, reply) => {
        const expected = expectedSize(request)
        const checksums = expectedChecksums(request.headers)
        return take(request, reply, signal =>
          stage(deps, request.caller, {
            id: request.params.image_id,
            expected,
            checksums,
            open: () => {
              wantBody(request, reply)
              return request.raw
            },
            signal,
          }),
        )
      },
    )
  }

  app.get<ById>(
    '/images/:image_id/file',
    {
      config: { transfer: 'out', errors: [416] },
      schema: {
        tags,
        summary: "Download an image's bytes",
        headers: optional({ range: text('One range of bytes, as `bytes=0-1023`.') }),
        response: {
          200: bytesWith('All bytes', { 'Content-MD5': text('MD5 of all bytes, hex, as Glance sends it.') }),
          206: bytesWith('The bytes of the range', {
            'Content-Range': text('Which bytes of how many they are.'),
          }),
          204: { type: 'null', description: 'The image has no bytes yet' },
        },
      },
    },
    async (request, reply) => {
      const wishes = {
        range: request.headers.range,
        'content-range': header(request, 'content-range'),
        prefer: queryOf(request).getAll('prefer').at(-1),
      }
      const found = await download(deps, request.caller, request.params.image_id, wishes, abortSignal(reply))
      if (!found) return reply.code(204).send()
      await send(request, reply, found)
      return reply
    },
  )

  const check = attributeChecker(deps.config)
  app.patch<ById & { Body: unknown[] }>(
    '/images/:image_id',
    {
      config: {
        body: 'array',
        media: { types: patchTypes, headers: { 'accept-patch': patchTypes.join(', ') } },
      },
      schema: {
        tags: ['images'],
        summary: 'Change an image',
        description: 'A list of changes, each of one attribute or property, as JSON Patch.',
        consumes: [...patchTypes],
        body: patchSchema,
        response: { 200: imageSchema(deps.config) },
      },
    },
    async ({ body, media, caller, params }, reply) => {
      const changes = parsePatch(body, media, check)
      return view(deps, caller, await patch(deps, caller, params.image_id, changes, abortSignal(reply)))
    },
  )

  app.delete<ById>(
    '/images/:image_id',
    { schema: { tags: ['images'], summary: 'Delete an image', response: done } },
    async (request, reply) => {
      await remove(deps, request.caller, request.params.image_id)
      return reply.code(204).send()
    },
  )

  void app.register(async scope => formRoutes(scope, deps))
}

/** Upload by a browser's form. Any other POST stays the 405 that Glance gives. */
async function formRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  await app.register(multipart, {
    limits: { files: 1, fields: 20, fieldSize: 4096, fileSize: deps.config.max_image_size + 1 },
  })
  app.post<ById>(
    '/images/:image_id/file',
    {
      config: { body: 'stream', transfer: 'in', unlisted: true },
      schema: {
        tags,
        summary: "Upload an image's bytes by a form",
        description: 'An addition to Glance, for browsers: the file of the form are the bytes.',
        consumes: ['multipart/form-data'],
        headers: optional({ ...storeHeader, ...checksumHeaders }),
        body: {
          type: 'object',
          required: ['file'],
          properties: { file: { ...octets, description: 'The bytes.' } },
        },
        response: done,
      },
      onRequest: async request => {
        if (request.media !== 'multipart/form-data') {
          throw new MethodNotAllowed('The method POST is not allowed here; allowed: GET, PUT.', {
            headers: { allow: 'GET, PUT' },
          })
        }
      },
    },
    async (request, reply) => {
      const checksums = expectedChecksums(request.headers)
      return take(request, reply, signal =>
        upload(deps, request.caller, {
          id: request.params.image_id,
          expected: undefined,
          checksums,
          store: header(request, 'x-image-meta-store'),
          open: () => {
            wantBody(request, reply)
            return formFile(request)
          },
          signal,
        }),
      )
    },
  )
}

/** An answer of bytes, with what its headers say. */
const bytesWith = (description: string, headers: Record<string, object>) => ({
  description,
  headers,
  content: { 'application/octet-stream': { schema: octets } },
})

/** Runs an upload and answers 204; a refusal that comes before the end of the body still reaches the client. */
async function take(
  request: FastifyRequest,
  reply: FastifyReply,
  run: (signal: AbortSignal) => Promise<void>,
) {
  try {
    await run(abortSignal(reply))
  } catch (error) {
    lingerAfter(request, reply)
    throw error
  }
  return reply.code(204).send()
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** Bytes that the client announces: X-OpenStack-Image-Size, where 0 says nothing, else Content-Length. */
function expectedSize(request: FastifyRequest): number | undefined {
  const announced = header(request, 'x-openstack-image-size')
  if (announced !== undefined) {
    if (!/^\s*[+-]?\d+\s*$/.test(announced) || !Number.isSafeInteger(Number(announced))) {
      throw new BadRequest('X-OpenStack-Image-Size must be an integer.')
    }
    if (Number(announced) < 0) {
      throw new BadRequest('X-OpenStack-Image-Size must not be negative.')
    }
    if (Number(announced) !== 0) return Number(announced)
  }
  const length = request.headers['content-length']
  return length === undefined ? undefined : Number(length)
}
