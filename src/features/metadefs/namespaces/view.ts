import { present, times } from '../view.js'
import type { Namespace } from './repository.js'

/** What can be shown of a namespace's content. */
export interface Content {
  resource_type_associations?: readonly object[]
  properties?: Readonly<Record<string, object>>
  objects?: readonly object[]
  tags?: readonly object[]
}

/** A namespace as the API shows it, with as much of its content as is given. */
export const view = (namespace: Namespace, content: Content = {}) =>
  present({
    namespace: namespace.namespace,
    display_name: namespace.display_name,
    description: namespace.description,
    visibility: namespace.visibility,
    protected: namespace.protected,
    owner: namespace.owner,
    ...times(namespace),
    resource_type_associations: content.resource_type_associations,
    properties: content.properties,
    objects: content.objects,
    tags: content.tags,
    self: `/v2/metadefs/namespaces/${namespace.namespace}`,
    schema: '/v2/schemas/metadefs/namespace',
  })
