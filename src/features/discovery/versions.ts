import type { Config } from '../../config/schema.js'
import type { Stores } from '../../stores/index.js'

/**
 * The versions of the API that are announced, by Glance's rules: some stand for features that only a deployment with
 * several stores or with a cache has. Clients look for exact ids, in a list whose order Glance fixed.
 */
const always = [17, 15, 9, 7, 6, 5, 4, 3, 2, 1, 0]
const withStores = [13, 12, 11, 10, 8]
const withCache = [18, 16, 14]

export interface Announced {
  /** Minor numbers in the order of the list. */
  minors: number[]
  current: number
}

/** What this deployment announces. */
export function announced(config: Pick<Config, 'cache_dir'>, stores: Pick<Stores, 'multi'>): Announced {
  const cached = config.cache_dir !== null
  const minors = [...always, ...(stores.multi ? withStores : []), ...(cached ? withCache : [])]
  minors.sort((a, b) => b - a)
  if (cached) return { minors, current: 18 }
  // without a cache Glance puts 2.17 behind the versions that came with stores
  const late = minors.filter(minor => minor > 7 && minor !== 17)
  return { minors: [...late, 17, ...minors.filter(minor => minor <= 7)], current: 17 }
}

/** What the versions document is made of, for its description. */
export const versionsSchema = {
  type: 'object',
  description: 'The versions',
  properties: {
    versions: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          id: { type: 'string', description: 'The version.', examples: ['v2.17'] },
          status: { type: 'string', enum: ['CURRENT', 'SUPPORTED'], description: 'One of them is current.' },
          links: {
            type: 'array',
            description: 'Where it is served.',
            items: {
              type: 'object',
              properties: {
                rel: { type: 'string', description: 'Always `self`.' },
                href: { type: 'string', description: 'Ends in `/v2/`, whatever the minor version.' },
              },
            },
          },
        },
      },
    },
  },
}

/** The versions document; every link ends in /v2/ whatever the minor version. */
export function versionsDocument({ minors, current }: Announced, base: string) {
  return {
    versions: minors.map(minor => ({
      id: `v2.${minor}`,
      status: minor === current ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${base}/v2/` }],
    })),
  }
}
