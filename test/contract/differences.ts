import { compare } from './compare.js'
import {
  changed,
  type Difference,
  empty,
  faultOfGlance,
  image,
  jsonHeaders,
  madeIn,
  merged,
  type Ours,
  refusal,
  refused,
  traced,
} from './difference.js'
import { differencesOfImports } from './differences-imports.js'
import type { Exchange, RecordedScenario, Reply } from './exchange.js'

export type { Difference } from './difference.js'

/** The recorded image with its locations shown in another way. */
const shownLocations =
  (show: (locations: Record<string, unknown>[]) => unknown[]): Ours =>
  recorded => {
    const body = recorded.body as { locations: Record<string, unknown>[] }
    return { ...recorded, body: { ...body, locations: show(body.locations) } }
  }

/** With its keys in the order in which replies are compared. */
function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** What another request to the same path was answered with. */
function neighbour(
  scenario: RecordedScenario,
  path: string,
  fits: (exchange: Exchange) => boolean,
): Reply | undefined {
  return scenario.exchanges.find(exchange => exchange.request.path === path && fits(exchange))?.reply
}

/** OPTIONS as any verb that a path does not know. */
const plainOptions: Ours = (_, { request }, scenario) => {
  if (request.actor === 'nobody' || request.actor === 'impostor') {
    return {
      ...refusal(401),
      headers: { 'content-type': 'application/json', 'www-authenticate': '<present>' },
    }
  }
  const wrong = neighbour(scenario, request.path, ({ reply }) => reply.status === 405)
  return wrong?.headers.allow ? refusal(405, { allow: wrong.headers.allow }) : refusal(501)
}

/** What the five images of the list scenarios hold, in the order in which they were made. */
const five: Record<string, (string | number | null)[]> = {
  name: ['alpha', 'beta', 'gamma, delta', null, 'alpha'],
  size: [300, 100, null, null, null],
  status: ['active', 'active', 'queued', 'queued', 'queued'],
  disk_format: ['raw', 'raw', 'iso', null, 'qcow2'],
  container_format: ['bare', 'bare', 'bare', null, 'bare'],
  id: [1, 2, 3, 4, 5],
  created_at: [1, 2, 3, 4, 5],
}

/** A list that holds nothing. */
const emptyList: Ours = (_, { request }) => {
  const first = decodeURIComponent(request.path).replace(
    /\?(.*)/,
    (_, query: string) => `?${query.split('&').sort().join('&')}`,
  )
  return { status: 200, headers: jsonHeaders, body: { first, images: [], schema: '/v2/schemas/images' } }
}

/** The answer to the last of repeated parameters (the first limit, as Glance), with links that keep them all. */
const allParameters: Ours = (recorded, { request }, scenario) => {
  if (recorded.status !== 200) return recorded
  const text = (request.path.split('?')[1] ?? '').split('&')
  const nameOf = (pair: string) => pair.split('=')[0] as string
  const same = (pairs: string[], name: string) => pairs.some(pair => nameOf(pair) === name)
  const last = text.filter((pair, index) => {
    const name = nameOf(pair)
    if (name === 'limit') return !same(text.slice(0, index), name)
    return name === 'tag' || !same(text.slice(index + 1), name)
  })
  const single = ['visibility', 'sort', 'limit'].some(
    name => text.filter(pair => pair.startsWith(`${name}=`)).length > 1,
  )
  const path = `/v2/images?${last.join('&')}`
  const answer = single ? neighbour(scenario, path, () => true) : undefined
  const body = (answer ?? recorded).body as { next?: string }
  const pairs = text.map(pair => decodeURIComponent(pair).replace(/\d{4}-\d\d-\d\dT[\d:]+Z/, '<time>'))
  const link = (more: string[] = []) => `/v2/images?${[...pairs, ...more].sort().join('&')}`
  const marker = /marker=([^&]*)/.exec(body.next ?? '')?.[1]
  return {
    ...recorded,
    body: merged(body, { first: link(), ...(marker && { next: link([`marker=${marker}`]) }) }),
  }
}

/** The page behind the marker, of the list that the scenario walks. */
const pageAfterMarker: Ours = (recorded, { request }, scenario) => {
  const query = new URLSearchParams(request.path.split('?')[1])
  const direction = query.get('sort_dir') ?? 'desc'
  const keys = (query.get('sort') ?? `${query.get('sort_key') ?? 'created_at'}:${direction}`).split(',')
  // updated_at is no column of the table above: it moves when bytes come, and holds no null.
  if (keys.some(key => !five[key.split(':')[0] as string])) return recorded
  const order = [0, 1, 2, 3, 4].sort((a, b) => rank([...keys, `created_at:${direction}`], a, b))
  const ids = order.map(index => `<uuid:${index + 1}>`)
  const limit = Number(query.get('limit'))
  const page = ids.slice(ids.indexOf(query.get('marker') as string) + 1).slice(0, limit)
  query.delete('marker')
  const link = (more: string[] = []) =>
    `/v2/images?${[...[...query].map(([name, value]) => `${name}=${value}`), ...more].sort().join('&')}`
  const body = {
    first: link(),
    images: page.map(id => listed(id, scenario)),
    ...(page.length === limit && { next: link([`marker=${page.at(-1)}`]) }),
    schema: '/v2/schemas/images',
  }
  return { status: 200, headers: jsonHeaders, body }
}

/** Orders two of the five; nulls are last when ascending. */
function rank(keys: readonly string[], a: number, b: number): number {
  for (const key of keys) {
    const [name, direction] = key.split(':')
    const [x, y] = [five[name as string]?.[a] ?? null, five[name as string]?.[b] ?? null]
    if (x === y) continue
    const ascending = x === null ? 1 : y === null ? -1 : x < y ? -1 : 1
    return direction === 'asc' ? ascending : -ascending
  }
  return 0
}

/** An image as the replies of a scenario show it. */
function listed(id: string, scenario: RecordedScenario): unknown {
  const bodies = scenario.exchanges.map(
    ({ reply }) => reply.body as { id?: string; images?: { id: string }[] } | undefined,
  )
  return (
    bodies.flatMap(body => body?.images ?? []).find(image => image.id === id) ??
    bodies.find(body => body?.id === id)
  )
}

const internalNames = [
  'member',
  'image_id',
  'extra_properties',
  'get_data',
  'set_data',
  'delete',
  'context',
  'base',
  'repo',
]

const nul = "A text with a NUL character is a 500 in Glance on PostgreSQL, which can't hold it."

export const differences: readonly Difference[] = [
  {
    area: 'bodies',
    scenario: 'create wants a JSON object',
    exchanges: ['an array', 'an array of an object', 'an unpaired surrogate', 'deep nesting'],
    ours: refused(400),
    what: 'JSON that is no object, or no text, is 400 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'bodies',
    scenario: 'create in chunks',
    exchanges: ['alice POST /v2/images'],
    ours: () => ({
      status: 201,
      headers: {
        ...jsonHeaders,
        location: '<base>/v2/images/<image>',
        'openstack-image-import-methods': 'glance-direct,web-download,copy-image,glance-download',
        'openstack-image-store-ids': 'cheap,fast',
      },
      body: '<any>',
    }),
    what: 'A JSON body sent in chunks is read; Glance under uWSGI sees an empty one.',
    why: 'HTTP leaves the choice of framing to the client.',
  },
  {
    area: 'create',
    scenario: /^create: (values of (name|tags|properties)|names of properties)$/,
    exchanges: /u0000/,
    ours: refused(400),
    what: nul,
    why: faultOfGlance,
  },
  {
    area: 'create',
    scenario: 'create: attributes that only the registry sets',
    exchanges: ['os_hash_algo', 'os_hash_value'],
    ours: refused(403),
    what: 'os_hash_algo and os_hash_value can not be given when an image is made; Glance takes them and loses them.',
    why: faultOfGlance,
  },
  {
    area: 'create',
    scenario: 'create: a bad one leaves nothing behind',
    exchanges: ['alice GET /v2/images/<uuid:1>'],
    ours: refused(404),
    what: 'An image whose tags were refused is not there; Glance keeps it without its tags.',
    why: faultOfGlance,
  },
  {
    area: 'patch',
    scenario: /attributes that only the registry sets$/,
    exchanges: ['add stores', 'replace stores', 'remove stores'],
    ours: refused(403),
    what: 'stores can not be written; Glance keeps what is written as a property.',
    why: faultOfGlance,
  },
  {
    area: 'patch',
    scenario: /^a member can not add the owner ("<project:demo>"|null)/,
    exchanges: ['try'],
    ours: refused(403),
    what: 'add /owner needs an admin as replace does; in Glance a member can give an image away.',
    why: 'Who may push images into foreign projects is an administrator’s decision.',
  },
  {
    area: 'patch',
    scenario: /^a member can not add the owner ("<project:other>"|null)/,
    exchanges: ['alice GET /v2/images/<image>'],
    ours: image({}),
    what: 'and the image stays where it was.',
    why: 'The same.',
  },
  ...['current', 'legacy'].map(
    (form): Difference => ({
      area: 'patch',
      scenario: `${form}: pointers`,
      exchanges: [
        'add "/<x*256>"',
        'add "/\\u0000"',
        'add 1',
        'add null',
        'add true',
        'add ["new"]',
        'add {"a":1}',
      ],
      ours: refused(400),
      what: 'A path that is no text, too long or holds NUL is 400 instead of 500.',
      why: faultOfGlance,
    }),
  ),
  {
    area: 'patch',
    scenario: 'legacy elements that are not what they should be',
    exchanges: ['a path that is a number'],
    ours: refused(400),
    what: 'A path that is no text is 400 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'patch',
    scenario: 'text as it was written',
    exchanges: ['value "x\\u0000"'],
    ours: refused(400),
    what: nul,
    why: faultOfGlance,
  },
  ...internalNames.map(
    (name): Difference => ({
      area: 'patch',
      scenario: `a property called ${name} is a property`,
      exchanges: ['add', 'alice GET /v2/images/<image>', 'replace', 'remove'],
      ours: (recorded, exchange, scenario) => {
        const value =
          exchange.request.name === 'replace' ? 'y' : exchange.request.name === 'remove' ? undefined : 'x'
        return image({ [name]: value })(recorded, exchange, scenario)
      },
      what: `A property called ${name} is kept; in Glance the name collides with a member of its image object.`,
      why: faultOfGlance,
    }),
  ),
  {
    area: 'list',
    scenario: /^filters: /,
    exchanges: /&(size=x|min_ram=(x||1\.0)|(nope|p)_(min|max)=1|virtual_size=x|p=%00)$/,
    ours: refused(400),
    what: 'A filter value that is no number where one is wanted, and a range over something that has none, is 400 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'list',
    scenario: 'filters: visibility',
    exchanges: ['alice GET /v2/images?tag=<run>&visibility='],
    ours: emptyList,
    what: 'An empty visibility matches no image; Glance on PostgreSQL answers 500.',
    why: faultOfGlance,
  },
  {
    area: 'list',
    scenario: 'filters: odd names',
    exchanges: /&(locations|members|properties)=x$/,
    ours: emptyList,
    what: 'locations, members and properties are names like any other in a filter: of a property that no image has. Glance answers 500.',
    why: faultOfGlance,
  },
  {
    area: 'list',
    scenario: /^filters: (size|minima)$/,
    exchanges: /&(size=9+|min_ram=2147483648)$/,
    ours: emptyList,
    what: 'A number that no image can have matches none; Glance on PostgreSQL answers 500.',
    why: faultOfGlance,
  },
  {
    area: 'list',
    scenario: /^(?!.*(pages of|paging back))/,
    exchanges: /&(\w+)=.*&\1=|tag=<run>&tag=|^two (tags|keys)$/,
    ours: allParameters,
    what: 'A parameter given twice: the links keep both (Glance keeps the last, so that the next page is one of another list); of those that can not be combined one counts (in Glance the other becomes the filter of a property, which no image has).',
    why: faultOfGlance,
  },
  {
    area: 'list',
    scenario: /^(pages of a list sorted by |paging back)/,
    exchanges: /marker/,
    ours: pageAfterMarker,
    what: 'Paging over a column that holds nulls shows each image once, nulls where the whole list has them (last when ascending, first when descending); Glance skips or repeats images there, or answers 500.',
    why: faultOfGlance,
  },
  {
    area: 'members',
    scenario: 'who can be a member',
    exchanges: ['member "<x*256>"', 'member 1', 'member true', 'member ["x"]'],
    ours: refused(400),
    what: 'A member that is no text of at most 255 characters is 400 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'tags',
    scenario: 'a tag of four-byte characters',
    exchanges: ['alice PUT /v2/images/<image>/tags/%F0%9F%98%80'],
    ours: refused(400),
    what: 'A tag in a path is UTF-8, and obeys the same rules as one in a body.',
    why: 'Glance keeps the bytes of the path as Latin-1, so that a tag reads differently by each way in.',
  },
  {
    area: 'tags',
    scenario: 'a tag that is not UTF-8',
    exchanges: ['alice PUT /v2/images/<image>/tags/%FF'],
    ours: refused(400),
    what: 'A path that is not UTF-8 is 400; Glance breaks the connection.',
    why: faultOfGlance,
  },
  {
    area: 'routes',
    scenario: 'bytes in a path that are not UTF-8',
    exchanges: ['alice GET /v2/images/%FF'],
    ours: refused(400),
    what: 'A path that is not UTF-8 is 400; Glance breaks the connection.',
    why: faultOfGlance,
  },
  {
    area: 'tags',
    scenario: 'names of tags',
    exchanges: ['alice PUT /v2/images/<image>/tags/%00'],
    ours: refused(400),
    what: nul,
    why: faultOfGlance,
  },
  {
    area: 'tags',
    scenario: 'names of tags',
    exchanges: ['alice GET /v2/images/<image>'],
    ours: (recorded, ...rest) => {
      const { tags: kept } = recorded.body as { tags: string[] }
      const tags = kept.map(tag => Buffer.from(tag, 'latin1').toString())
      if (kept.length > 0) tags.push('.')
      return changed({ tags: tags.sort((a, b) => (a < b ? -1 : 1)) })(recorded, ...rest)
    },
    what: 'A tag in a path is UTF-8, and may be a dot.',
    why: 'Glance keeps the bytes of the path as Latin-1, so that a tag reads differently by each way in.',
  },
  {
    area: 'members',
    scenario: 'ids of members in a path',
    exchanges: ['alice GET /v2/images/<image>/members/%C3%A9'],
    ours: () => ({
      status: 200,
      headers: jsonHeaders,
      body: {
        created_at: '<time>',
        image_id: '<image>',
        member_id: 'é',
        schema: '/v2/schemas/member',
        status: 'pending',
        updated_at: '<time>',
      },
    }),
    what: 'A member in a path is UTF-8, and so is found; Glance compares it as Latin-1.',
    why: faultOfGlance,
  },
  {
    area: 'members',
    scenario: 'ids of members in a path',
    exchanges: ['alice DELETE /v2/images/<image>/members/%C3%A9'],
    ours: empty,
    what: 'and can be removed,',
    why: 'The same.',
  },
  {
    area: 'members',
    scenario: 'ids of members in a path',
    exchanges: ['alice GET /v2/images/<image>/members'],
    ours: (recorded, ...rest) => {
      const { members } = recorded.body as { members: { member_id: string }[] }
      return changed({ members: members.filter(({ member_id }) => member_id !== 'é') })(recorded, ...rest)
    },
    what: 'and is gone then.',
    why: 'The same.',
  },
  {
    area: 'routes',
    scenario: 'an id in a path is free text',
    exchanges: ['alice GET /v2/images/%00', 'alice DELETE /v2/images/%00/tags/t'],
    ours: refused(404),
    what: 'An id with NUL is an id that no image has: 404 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'download',
    scenario: /^(ranges|ranges asked for by Content-Range|Content-Range )/,
    exchanges: [
      'Range: bytes=-',
      'Range: bytes=--1',
      'Content-Range: bytes */*',
      'Content-Range: bytes */1000',
    ],
    ours: refused(416),
    what: 'A range without numbers is 416; Glance breaks the connection.',
    why: faultOfGlance,
  },
  {
    area: 'download',
    scenario: /^Content-Range bytes (0-1999|500-1500)/,
    exchanges: /^Content-Range/,
    ours: refused(416),
    what: 'A range that ends behind the image is 416; Glance announces more bytes than there are, and cuts off.',
    why: faultOfGlance,
  },
  {
    area: 'download',
    scenario: /^range .* of an image without bytes/,
    exchanges: /^Range/,
    ours: empty,
    what: 'Any range of an image without bytes is 204, as without a range; Glance breaks the connection, or refuses those that it can not read.',
    why: faultOfGlance,
  },
  {
    area: 'download',
    scenario: 'ranges',
    exchanges: ['Range: bytes=-0'],
    ours: refused(416),
    what: 'The last 0 bytes can not be given; Glance gives all of them.',
    why: 'RFC 9110, 14.1.2.',
  },
  {
    area: 'download',
    scenario: 'ranges of an empty image',
    exchanges: ['Range: bytes=-1'],
    ours: refused(416),
    what: 'No range of an empty image can be given; Glance answers "bytes 0--1/0".',
    why: faultOfGlance,
  },
  {
    area: 'upload',
    scenario: "upload to store 'os_glance_staging_store'",
    exchanges: /PUT/,
    ours: refused(400),
    what: 'The staging area is no store that can be named in an upload.',
    why: 'Glance takes the bytes into its reserved store, where its own cleaning loses them.',
  },
  {
    area: 'upload',
    scenario: "upload to store 'os_glance_staging_store'",
    exchanges: ['alice GET /v2/images/<image>'],
    ours: image({}),
    what: 'and the image stays queued,',
    why: 'The same.',
  },
  {
    area: 'upload',
    scenario: "upload to store 'os_glance_staging_store'",
    exchanges: ['alice GET /v2/images/<image>/file'],
    ours: empty,
    what: 'without bytes.',
    why: 'The same.',
  },
  {
    area: 'errors',
    scenario: 'the request id is the one that the client sent',
    exchanges: ['good, id <x*65>', 'good, id req-<x*61>'],
    ours: () => refusal(431),
    what: 'A request id of more than 64 characters is 431; Glance answers without one.',
    why: 'An answer that can not be found in the log is worse than a refusal.',
  },
  {
    area: 'errors',
    scenario: 'the request id is the one that the client sent',
    exchanges: ['good, id ä'],
    ours: recorded => ({ ...recorded, headers: { ...recorded.headers, ...traced } }),
    what: 'A request id beyond ASCII is not taken over.',
    why: 'Headers do not carry it faithfully.',
  },
  {
    area: 'access',
    scenario: /^svc and a (public|community) image of demo$/,
    exchanges: [
      'svc PATCH nothing',
      ...['GET', 'POST'].map(verb => `svc ${verb} /v2/images/<image>/members`),
      ...['PUT', 'DELETE'].map(verb => `svc ${verb} /v2/images/<image>/members/m`),
    ],
    ours: refused(404),
    what: 'Whoever may not get an image is told that there is none, whatever they ask; Glance tells a caller of role service alone that a public image has no members, and shows it to them in the answer to an empty patch.',
    why: 'The same answer by every way in.',
  },
  {
    area: 'access',
    scenario: /^who may make a shared image (public|community)$/,
    exchanges: ['svc PATCH /v2/images/<image>'],
    ours: refused(404),
    what: 'Whoever may not get an image is told that there is none; Glance answers 403.',
    why: 'The same answer by every way in.',
  },
  {
    area: 'members',
    scenario: /^members of a (public|community) image$/,
    exchanges: /^svc (GET|POST|DELETE|sets) /,
    ours: refused(404),
    what: 'Whoever may not get an image is told that there is none; Glance answers 403.',
    why: 'The same answer by every way in.',
  },
  {
    area: 'members',
    scenario: 'a change of members does not touch the image',
    exchanges: /updated_at=eq/,
    ours: (_, { request }, scenario) => {
      const first = `/v2/images?${(request.path.split('?')[1] ?? '').replace('<made>', '<time>').split('&').sort().join('&')}`
      const images = [merged(madeIn(scenario), {})]
      return { status: 200, headers: jsonHeaders, body: { first, images, schema: '/v2/schemas/images' } }
    },
    what: 'A time as an image shows it finds that image; Glance compares with the microseconds that it does not show.',
    why: faultOfGlance,
  },
  {
    area: 'patch',
    scenario: /^legacy add \/min_/,
    exchanges: ['add 2147483648', 'add -1'],
    ours: refused(400),
    what: 'A number out of range is 400 before it is asked what the image has; Glance says 409.',
    why: 'What is wrong with the request itself comes first, as elsewhere.',
  },
  {
    area: 'patch',
    scenario: 'media types',
    exchanges: ['type APPLICATION/OPENSTACK-IMAGES-V2.1-JSON-PATCH'],
    ours: image({}),
    what: 'Media types are compared without regard to case; Glance answers 415.',
    why: 'RFC 9110, 8.3.1.',
  },
  {
    area: 'upload',
    scenario: /^announced size 10737418241 /,
    exchanges: /PUT/,
    ours: refused(413),
    what: 'An announced size above the cap is 413 at once; Glance reads all bytes and then says that they were too few.',
    why: 'Nobody should send gigabytes for a refusal that is certain.',
  },
  {
    area: 'upload',
    scenario: 'upload of type APPLICATION/OCTET-STREAM',
    exchanges: /PUT/,
    ours: empty,
    what: 'Media types are compared without regard to case; Glance answers 415.',
    why: 'RFC 9110, 8.3.1.',
  },
  {
    area: 'upload',
    scenario: 'upload of type APPLICATION/OCTET-STREAM',
    exchanges: ['alice GET /v2/images/<image>/file'],
    ours: () => ({
      status: 200,
      headers: {
        ...traced,
        'content-type': 'application/octet-stream',
        'content-md5': 'c56bd5480f6e5413cb62a0ad9666613a',
        'content-length': '10',
      },
      body: { size: 10, sha256: '1f825aa2f0020ef7cf91dfa30da4668d791c5d4824fc8e41354b89ec05795ab3' },
    }),
    what: 'and the bytes are there.',
    why: 'The same.',
  },
  {
    area: 'tags',
    scenario: 'names of tags',
    exchanges: ['alice PUT /v2/images/<image>/tags/.', 'alice DELETE /v2/images/<image>/tags/.'],
    ours: empty,
    what: 'A dot is a tag; the server in front of Glance takes it out of the path.',
    why: 'What a client sends is what is meant.',
  },
  ...['routes', 'routes-later', 'schemas', 'auth'].map(
    (area): Difference => ({
      area,
      scenario: /./,
      exchanges: / OPTIONS /,
      ours: plainOptions,
      what: 'OPTIONS is a verb that no path knows: 405, 501 on unknown paths, 401 without credentials. Glance’s CORS filter answers 200 to each, also where no origin is allowed.',
      why: 'Without allowed origins there is no preflight to answer; with them Vitrine answers preflights.',
    }),
  ),
  {
    area: 'versions',
    scenario: 'the root and /versions answer any verb without credentials',
    exchanges: ['nobody OPTIONS /'],
    ours: (recorded, { request }, scenario) =>
      neighbour(scenario, request.path, exchange => exchange.request.method === 'GET') ?? recorded,
    what: 'OPTIONS is answered as every other verb; Glance’s CORS filter answers 200 without a body.',
    why: 'Without allowed origins there is no preflight to answer; with them Vitrine answers preflights.',
  },
  {
    area: 'metadefs',
    scenario: 'bodies that are not what is wanted',
    exchanges: /^an array: |^nothing in it: .*tags$/,
    ours: refused(400),
    what: 'An array where an object is wanted, and a list of tags without one, is 400 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'namespaces without what they need',
    exchanges:
      /^(a tag|an object|an association) (without a name|with (something unknown|a long name))$|^a property with something unknown$/,
    ours: refused(400),
    what: 'What is in a namespace is checked like what is added later; Glance answers 500.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'namespaces without what they need',
    exchanges: /^end of: (a tag|an object) with a long name$/,
    ours: refused(404),
    what: 'and nothing of the namespace is left; Glance keeps it without its content.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'namespaces without what they need',
    exchanges: ['a NUL in the name'],
    ours: refused(400),
    what: nul,
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'namespaces without what they need',
    exchanges: ['a property with numbers in its enum'],
    ours: () => ({
      status: 201,
      headers: { ...jsonHeaders, location: '<base>/v2/metadefs/namespaces/<run>' },
      body: '<any>',
    }),
    what: 'The values of an enum may be numbers, as the schema has it; Glance answers 500',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'namespaces without what they need',
    exchanges: ['end of: a property with numbers in its enum'],
    ours: empty,
    what: 'and keeps nothing.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'definitions',
    exchanges: ['kept as it is: {"minimum":1.5}'],
    ours: changed({ minimum: 1.5 }),
    what: 'Bounds are numbers, as the schema has it; Glance cuts off what is behind the point.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'definitions',
    exchanges: /^kept as it is: \{"(enum|required)"/,
    ours: (_, { request }) => ({ status: 201, headers: jsonHeaders, body: sorted(request.json as object) }),
    what: 'required, and numbers in an enum, are kept, as the schema has it; Glance answers 500.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'definitions',
    exchanges: /^end of \{"(enum|required)"/,
    ours: empty,
    what: 'and so they can be deleted.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'prefixes',
    exchanges: ['admin GET /v2/metadefs/namespaces/<run>?nope=1'],
    ours: (recorded, _, scenario) =>
      neighbour(scenario, '/v2/metadefs/namespaces/<run>?resource_type=', () => true) ?? recorded,
    what: 'A parameter that means nothing changes nothing; Glance answers 500.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'prefixes',
    exchanges: ['admin GET /v2/metadefs/namespaces/<run>/properties/color?nope=1'],
    ours: (recorded, _, scenario) =>
      neighbour(scenario, '/v2/metadefs/namespaces/<run>/properties/color?resource_type=', () => true) ??
      recorded,
    what: 'The same of a property.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: /^lists of /,
    exchanges: /sort_key=(nope)?(&|$)|namespaces\?.*&limit=(x|1\.5)?$/,
    ours: refused(400),
    what: 'A key that nothing can be sorted by, or a limit that is no integer, is 400 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'lists of namespaces',
    exchanges: /&marker=$/,
    ours: (recorded, exchange, scenario) => {
      const whole = neighbour(scenario, exchange.request.path.replace('&marker=', ''), () => true)
      return whole ?? recorded
    },
    what: 'An empty marker is none; Glance answers 500.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: /^(properties|objects)$/,
    exchanges: ['a name that is taken'],
    ours: refused(409),
    what: 'A property or an object can not get the name of another: 409 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'a name with a comma in required',
    exchanges: ['admin GET /v2/metadefs/namespaces/<run>/objects/o'],
    ours: changed({ required: ['a,b'] }),
    what: 'The name of a property may hold a comma; Glance takes it for two.',
    why: faultOfGlance,
  },
  {
    area: 'metadefs',
    scenario: 'tags',
    exchanges: ['a long name'],
    ours: refused(400),
    what: 'A tag of more than 80 characters in a list is 400, as it is alone; Glance answers 500.',
    why: faultOfGlance,
  },
  {
    area: 'locations',
    scenario: 'PATCH: a queued image gets its place by add',
    exchanges: ['and so is this one'],
    ours: shownLocations(([first, second, ...rest]) => [second, first, ...rest]),
    what: 'Locations stay in the order that the answer to a PATCH shows; after one was put between others Glance shows another order in the next answer.',
    why: 'Glance reads them from its database without asking for an order.',
  },
  {
    area: 'locations',
    scenario: 'PATCH: validation data',
    exchanges: ['alice PATCH /v2/images/<image>', 'the same once more'],
    ours: shownLocations(locations => locations.map(({ validation_data: _, ...shown }) => shown)),
    what: 'validation_data is not shown; Glance shows it in the answer to the PATCH that brings it, and never again.',
    why: "Glance's schema says that it is only written.",
  },
  {
    area: 'cache',
    scenario: /./,
    exchanges: /^(admin|nova) GET \/v2\/cache\/nodes\/[^ ]+$/,
    ours: (recorded, { request }, ...rest) =>
      request.json === undefined ? refused(409)(recorded, { request, reply: recorded }, ...rest) : recorded,
    what: 'No server knows what the others have cached: 409 to who may ask, as Glance answers without its centralized driver.',
    why: 'What a cache holds is told by its files alone, so that it can be emptied by hand and needs no database.',
  },
  {
    area: 'cache',
    scenario: 'bodies for the cache',
    exchanges: /./,
    ours: (recorded, ...rest) => (recorded.status === 500 ? refused(400)(recorded, ...rest) : recorded),
    what: 'A body where none is wanted is 400 instead of 500.',
    why: faultOfGlance,
  },
  ...differencesOfImports,
]

/**
 * What Vitrine does differently in any reply: a request id also where Glance has none (401, the versions), the size of
 * the image in a 416, and errors as plain text where Glance writes HTML.
 */
export function everywhere(reply: Reply): Reply {
  const html = reply.status >= 400 && reply.headers['content-type']?.startsWith('text/html')
  const headers = {
    'x-openstack-request-id': '<any>',
    ...reply.headers,
    ...(html && { 'content-type': 'text/plain; charset=utf-8' }),
    ...(reply.status === 416 && { 'content-range': '<optional>' }),
  }
  return { ...reply, headers }
}

/** The difference that an exchange shows, if Glance's answer is not ours. */
export function differenceAt(
  area: string,
  scenario: RecordedScenario,
  exchange: Exchange,
): Difference | undefined {
  const { name } = exchange.request
  const about = differences.filter(
    difference =>
      difference.area === area &&
      (typeof difference.scenario === 'string'
        ? difference.scenario === scenario.name
        : difference.scenario.test(scenario.name)) &&
      (difference.exchanges instanceof RegExp
        ? difference.exchanges.test(name)
        : difference.exchanges.includes(name)),
  )
  return about.find(
    ({ ours }) => compare(ours(exchange.reply, exchange, scenario), exchange.reply).length > 0,
  )
}
