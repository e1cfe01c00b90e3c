import type { FastifyInstance } from 'fastify'
import { documents } from './schemas.js'

/** GET /v2/schemas/metadefs/*. */
export function schemaRoutes(app: FastifyInstance): void {
  for (const [name, document] of Object.entries(documents)) {
    app.get(
      `/schemas/metadefs/${name}`,
      { schema: { tags: ['schemas'], summary: `Show the JSON Schema of metadata definitions' ${name}` } },
      async () => document,
    )
  }
}
