import type { Area } from '../exchange.js'
import { access } from './access.js'
import { auth } from './auth.js'
import { bodies } from './bodies.js'
import { cache } from './cache.js'
import { creating } from './create.js'
import { deletes, downloads, statesArea, uploads } from './data.js'
import { errors } from './errors.js'
import { formats } from './formats.js'
import { imports } from './import.js'
import { lists } from './lists.js'
import { locations } from './locations.js'
import { members } from './members.js'
import { metadefs } from './metadefs.js'
import { patches } from './patches.js'
import { routes, routesLater } from './routes.js'
import { schemas } from './schemas.js'
import { stages } from './stage.js'
import { stores } from './stores.js'
import { tags } from './tags.js'
import { tasks } from './tasks.js'
import { versions } from './versions.js'

/** Every area has a file of its name in fixtures/. */
export const areas: readonly Area[] = [
  versions,
  routes,
  routesLater,
  schemas,
  errors,
  bodies,
  auth,
  creating,
  access,
  patches,
  lists,
  members,
  tags,
  statesArea,
  uploads,
  downloads,
  deletes,
  metadefs,
  locations,
  cache,
  stages,
  imports,
  tasks,
  stores,
  formats,
]
