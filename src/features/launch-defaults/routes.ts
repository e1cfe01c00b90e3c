import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { checker } from '../../http/validation.js'
import { noImage, requireOn } from '../../images/access.js'
import { find, findUnscoped } from '../../images/repository.js'
import { LaunchDefaults, read, replace } from './repository.js'

type OfImage = { Params: { image_id: string } }

const body = Type.Partial(LaunchDefaults)
const checkBody = checker(body)

/** Replaces the defaults under the image's lock: who registers a consumer meanwhile meets the old limit or the new. */
async function change(deps: Deps, caller: Caller, id: string, given: unknown): Promise<LaunchDefaults> {
  checkBody(given)
  requireOn(deps.policy, caller, 'modify_launch_defaults', await find(deps, caller, id))
  return deps.db.transaction().execute(async tx => {
    if (!(await findUnscoped(tx, id, { lock: true }))) throw noImage(id)
    return replace(tx, id, given as Partial<LaunchDefaults>)
  })
}

export function routes(app: FastifyInstance, deps: Deps): void {
  const tags = ['consumers']
  const response = { 200: LaunchDefaults }

  app.get<OfImage>(
    '/images/:image_id/launch-defaults',
    { schema: { tags, summary: 'Show the launch defaults of an image', response } },
    async ({ caller, params }) => {
      const image = await find(deps, caller, params.image_id)
      requireOn(deps.policy, caller, 'get_launch_defaults', image)
      return read(deps.db, image.id)
    },
  )

  app.put<OfImage>(
    '/images/:image_id/launch-defaults',
    {
      config: { body: 'object' },
      schema: {
        tags,
        summary: 'Set the launch defaults of an image',
        description:
          'Replaces all of them: what is not given is null. A lower max_concurrent_use takes no consumer away.',
        body,
        response,
      },
    },
    async ({ caller, params, body }) => change(deps, caller, params.image_id, body),
  )
}
