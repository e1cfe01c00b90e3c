import type { Feature } from '../../feature.js'
import { namespaceRoutes } from './namespaces/routes.js'
import { objectRoutes } from './objects/routes.js'
import { propertyRoutes } from './properties/routes.js'
import { resourceTypeRoutes } from './resource-types/routes.js'
import { schemaRoutes } from './schema-routes.js'
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
    schemaRoutes(app)
  },
}
