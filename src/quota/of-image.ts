import type { Config } from '../config/schema.js'
import { TooLarge } from '../errors.js'

/** What is counted of one image, by Glance's names of the settings. */
const counted = {
  image_tag_quota: 'tags',
  image_property_quota: 'additional properties',
  image_member_quota: 'members',
  image_location_quota: 'locations',
} as const

export type ImageQuotas = Pick<Config, keyof typeof counted>

/** Throws TooLarge when an image would have more than so many; below 0 there is no bound, as in Glance. */
export function checkCount(quotas: ImageQuotas, name: keyof typeof counted, count: number): void {
  const most = quotas[name]
  if (most >= 0 && count > most) throw new TooLarge(`An image may have at most ${most} ${counted[name]}.`)
}
