import type { Config } from '../config/schema.js'
import { NotFound, Unavailable } from '../errors.js'
import { withDeadline } from './deadline.js'

interface Catalogue {
  catalog?: {
    type: string
    endpoints: { interface: string; region_id?: string; region?: string; url: string }[]
  }[]
}

/** The URL of a service in a region, from the catalogue that Keystone gives for a token. Throws NotFound, Unavailable. */
export async function catalogueEndpoint(
  config: Pick<Config, 'keystone_url'>,
  token: string,
  type: string,
  face: string,
  region: string,
  signal: AbortSignal,
): Promise<string> {
  let answer: Response
  try {
    answer = await withDeadline(15_000, signal, signal =>
      fetch(`${config.keystone_url}/auth/catalog`, { headers: { 'x-auth-token': token }, signal }),
    )
  } catch (cause) {
    throw new Unavailable('Keystone could not be asked for its catalogue.', { cause })
  }
  if (!answer.ok)
    throw new Unavailable(`Keystone gives no catalogue for the token (status ${answer.status}).`)
  const { catalog = [] } = (await answer.json()) as Catalogue
  const found = catalog
    .filter(service => service.type === type)
    .flatMap(service => service.endpoints)
    .find(one => one.interface === face && (one.region_id ?? one.region) === region)
  if (!found)
    throw new NotFound(`There is no ${face} endpoint of type ${type} in region ${region.slice(0, 100)}.`)
  return found.url
}
