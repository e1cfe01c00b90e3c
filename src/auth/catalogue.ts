import { NotFound, Unavailable } from '../errors.js'
import type { KeystoneAnswer, KeystoneClient } from './keystone-client.js'

interface Catalogue {
  catalog?: {
    type: string
    endpoints: { interface: string; region_id?: string; region?: string; url: string }[]
  }[]
}

/** The URL of a service in a region, from the catalogue that Keystone gives for a token. Throws NotFound, Unavailable. */
export async function catalogueEndpoint(
  keystone: Pick<KeystoneClient, 'request'>,
  token: string,
  type: string,
  face: string,
  region: string,
  signal: AbortSignal,
): Promise<string> {
  let answer: KeystoneAnswer
  try {
    answer = await keystone.request('GET', '/auth/catalog', { 'x-auth-token': token }, undefined, signal)
  } catch (cause) {
    throw new Unavailable('Keystone could not be asked for its catalogue.', { cause })
  }
  if (answer.status !== 200)
    throw new Unavailable(`Keystone gives no catalogue for the token (status ${answer.status}).`)
  const { catalog = [] } = (answer.body ?? {}) as Catalogue
  const found = catalog
    .filter(service => service.type === type)
    .flatMap(service => service.endpoints)
    .find(one => one.interface === face && (one.region_id ?? one.region) === region)
  if (!found)
    throw new NotFound(`There is no ${face} endpoint of type ${type} in region ${region.slice(0, 100)}.`)
  return found.url
}
