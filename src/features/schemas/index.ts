import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { memberSchema, membersSchema } from '../../images/member-schemas.js'
import { imageSchema, imagesSchema } from '../../images/schemas.js'

/** JSON Schemas of what the API speaks of, which clients read to learn of formats and attributes. */
function routes(app: FastifyInstance, deps: Deps): void {
  const documents = {
    image: imageSchema(deps.config),
    images: imagesSchema(deps.config),
    member: memberSchema,
    members: membersSchema,
  }
  for (const [name, document] of Object.entries(documents)) {
    app.get(
      `/schemas/${name}`,
      { schema: { tags: ['schemas'], summary: `Show the JSON Schema of ${name}` } },
      async () => document,
    )
  }
}

export const schemas: Feature = { name: 'schemas', routes }
