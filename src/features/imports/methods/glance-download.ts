import { nobody } from '../../../auth/caller.js'
import { catalogueEndpoint } from '../../../auth/catalogue.js'
import { BadRequest, Conflict, Unavailable } from '../../../errors.js'
import { fetchUri } from '../../../fetch/index.js'
import { fillFromRemote } from '../remote.js'
import type { Method } from './index.js'

/** Largest description of an image that is read from another Glance, in bytes. */
const MAX_RECORD = 4 * 2 ** 20

/**
 * Bytes of an image in another region's Glance, fetched with the token of whoever asked; formats and the properties of
 * hardware and operating system come along.
 */
export const glanceDownload: Method = async (deps, image, method, secret, signal) => {
  const { keystone } = deps.auth
  if (!keystone || !secret.token) {
    throw new BadRequest('glance-download needs Keystone, whose catalogue names the other region.')
  }
  const face =
    typeof method.glance_service_interface === 'string' ? method.glance_service_interface : 'public'
  const endpoint = await catalogueEndpoint(
    keystone,
    secret.token,
    'image',
    face,
    String(method.glance_region),
    signal,
  )
  const base = `${endpoint.replace(/\/+$/, '').replace(/\/v2$/, '')}/v2/images/${method.glance_image_id}`
  const headers = { 'x-auth-token': secret.token }

  const remote = await readJson(await fetchUri(deps.config, base, { signal, headers }))
  if (remote.status !== 'active') throw new Conflict('The image in the other region is not active.')
  await fillFromRemote(deps, secret.caller ?? nobody, image, remote)
  const fetched = await fetchUri(deps.config, `${base}/file`, { signal, headers })
  if (typeof remote.size === 'number' && fetched.size !== undefined && fetched.size !== remote.size) {
    fetched.stream.destroy()
    throw new Unavailable('The other region sends another number of bytes than its image has.', {
      code: 'source_cut',
    })
  }
  let opened = false
  return {
    watched: true,
    size: fetched.size ?? (typeof remote.size === 'number' ? remote.size : undefined),
    async open() {
      if (opened) return (await fetchUri(deps.config, `${base}/file`, { signal, headers })).stream
      opened = true
      return fetched.stream
    },
    adopted: () => undefined,
    [Symbol.asyncDispose]: async () => {
      fetched.stream.destroy()
    },
  }
}

async function readJson({ stream }: Awaited<ReturnType<typeof fetchUri>>): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_RECORD) throw new Unavailable('The other region answers with far too much.')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>
  } catch (cause) {
    throw new Unavailable('The other region does not answer with an image.', { cause })
  }
}
