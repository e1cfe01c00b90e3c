import type { Feature } from '../../feature.js'
import { schemaRoutes } from '../../http/schema-routes.js'
import { namespaceRoutes } from './namespaces/routes.js'
import { objectRoutes } from './objects/routes.js'
import { propertyRoutes } from './properties/routes.js'
import { resourceTypeRoutes } from './resource-types/routes.js'
import { documents } from './schemas.js'
import { tagRoutes } from './tags/routes.js'

/** Metadata definitions: /v2/metadefs, and their schemas. */
export const metadefs: Feature = {
  name: 'metadefs',
  routes: (app, deps) => {
    namespaceRoutes(app, deps)
    resourceTypeRoutes(app, deps)
    objectRoutes(app, deps)
    propertyRoutes(app, deps)
    tagRoutes(app, deps)
    schemaRoutes(
      app,
      Object.fromEntries(Object.entries(documents).map(([name, document]) => [`metadefs/${name}`, document])),
    )
  },
}
