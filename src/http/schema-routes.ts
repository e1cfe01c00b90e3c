import type { FastifyInstance } from 'fastify'
import type { BodyKind } from './body.js'

/** Registers JSON Schema documents by their names under /schemas, for clients that learn attributes from them. */
export function schemaRoutes(
  app: FastifyInstance,
  documents: Record<string, object>,
  body: BodyKind = 'none',
): void {
  for (const [name, document] of Object.entries(documents)) {
    app.get(
      `/schemas/${name}`,
      {
        config: { body },
        schema: {
          tags: ['schemas'],
          summary: `Show the JSON Schema of ${name}`,
          response: { 200: { type: 'object', description: 'The schema', additionalProperties: true } },
        },
      },
      async () => document,
    )
  }
}
