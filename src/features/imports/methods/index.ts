import type { Deps } from '../../../deps.js'
import { BadRequest } from '../../../errors.js'
import type { Image } from '../../../images/image.js'
import type { ImportRequest } from '../request.js'
import type { Secret } from '../start.js'
import { copyImage } from './copy-image.js'
import { glanceDirect } from './glance-direct.js'
import { glanceDownload } from './glance-download.js'
import type { Source } from './source.js'
import { webDownload } from './web-download.js'

export type { Source } from './source.js'

/** Opens the source of one import. */
export type Method = (
  deps: Deps,
  image: Image,
  method: ImportRequest['method'],
  secret: Secret,
  signal: AbortSignal,
) => Promise<Source>

const methods: Readonly<Record<string, Method>> = {
  'glance-direct': glanceDirect,
  'web-download': webDownload,
  'copy-image': copyImage,
  'glance-download': glanceDownload,
}

/** Opens the source that the method names. */
export const openSource: Method = async (deps, image, method, secret, signal) => {
  const open = methods[method.name]
  if (!open) throw new BadRequest(`Unknown import method name '${method.name}'.`)
  return open(deps, image, method, secret, signal)
}
