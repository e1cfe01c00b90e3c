import { present, times } from '../view.js'
import type { MetadefObject } from './repository.js'

/** An object as the API shows it. */
export const view = (namespace: string, object: MetadefObject) =>
  present({
    name: object.name,
    required: object.required as string[] | undefined,
    description: object.description,
    properties: object.properties as MetadefObject['properties'] | undefined,
    ...times(object),
    self: `/v2/metadefs/namespaces/${namespace}/objects/${object.name}`,
    schema: '/v2/schemas/metadefs/object',
  })
