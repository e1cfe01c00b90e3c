/**
 * The arrows between folders: main → app → features → data → images → quota → tools → errors. A newcomer may rely on
 * them: what a folder imports is all there is to know before changing it. New folders are added to the tables here.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Floors from the ground up; a file imports from lower floors, and on its own floor only from where `alsoOn` says. */
const floors: readonly (readonly string[])[] = [
  ['errors'],
  ['folder'],
  ['config'],
  ['auth', 'db', 'fetch', 'formats', 'http', 'log', 'policy', 'queue', 'secrets', 'stores', 'streams'],
  ['deps', 'feature'],
  ['quota'],
  ['images'],
  ['data'],
  ['features'],
  ['app', 'tasks'],
  ['commands'],
  ['main'],
]
/** Places whose parts may import each other. A feature never imports another one. */
const alsoOn = new Set(['config', 'tools', 'deps', 'quota', 'images', 'data', 'commands'])

/** Types that everybody may import, whatever the floor. */
const typesForAll = new Set(['src/deps.ts', 'src/feature.ts', 'src/config/schema.ts'])

/** Imports against the arrows, each with the reason why it is right. */
const exceptions: Record<string, string> = {
  'src/deps.ts -> src/quota/limits.ts': 'the source of limits is opened with everything else',
  'src/config/checks.ts -> src/stores/index.ts': 'the settings of stores are read by the stores themselves',
}

/** Who may import a package that is kept behind one door; with `values`, anybody may name its types. */
const doors: Record<string, { pattern: RegExp; others: Record<string, string>; values?: true }> = {
  minio: { pattern: /^src\/stores\/s3/, others: {} },
  fastify: {
    pattern: /^src\/(http|auth)\/|\/routes\.ts$|^src\/features\/[^/]+\/index\.ts$|^src\/(app|feature)\.ts$/,
    others: { 'src/data/send.ts': 'writes to the socket past Fastify' },
  },
  pg: { pattern: /^src\/db\//, others: {}, values: true },
}

/** Who may read the environment. */
const environment: { pattern: RegExp; others: Record<string, string> } = {
  pattern: /^src\/(config|commands)\/|^src\/main\.ts$/,
  others: {
    'src/stores/s3.ts': 'the AWS credentials of the environment, when a store has none of its own',
    'src/db/embedded-place.ts': 'the folder for sockets of the user who runs it',
  },
}

interface Import {
  from: string
  /** A path such as src/app.ts, or the name of a package. */
  to: string
  typeOnly: boolean
}

const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name))
    .sort()

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found: Import[] = []
  const add = (target: string, typeOnly: boolean) => {
    const to = target.startsWith('.')
      ? normalize(join(dirname(file), target)).replace(/\.js$/, '.ts')
      : target.split('/', target.startsWith('@') ? 2 : 1).join('/')
    found.push({ from: file, to, typeOnly })
  }
  for (const [, what = '', target = ''] of text.matchAll(
    /^(?:import|export)\b((?:(?!^import\b)[^'";])*?)\bfrom\s+'([^']+)'/gms,
  )) {
    const names =
      /\{([^}]*)\}/s
        .exec(what)?.[1]
        ?.split(',')
        .filter(name => name.trim() !== '') ?? []
    const allTypes =
      names.length > 0 && names.every(name => /^\s*type\s/.test(name)) && !/^\s*\w+\s*,/.test(what)
    add(target, /^\s*type\b/.test(what) || allTypes)
  }
  for (const [, target = ''] of text.matchAll(/^import\s+'([^']+)'/gm)) add(target, false)
  for (const [, target = ''] of text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)) add(target, false)
  return found
}

/** The place of a file of src: its top folder, or its name. */
const placeOf = (file: string) => file.split('/')[1]?.replace(/\.ts$/, '') ?? ''
const floorOf = (place: string) => floors.findIndex(floor => floor.includes(place))
const featureOf = (file: string) => /^src\/features\/([^/]+)\//.exec(file)?.[1]

function against({ from, to, typeOnly }: Import): string | undefined {
  if (!to.startsWith('src/') || (typeOnly && typesForAll.has(to))) return undefined
  if (exceptions[`${from} -> ${to}`]) return undefined
  const [place, other] = [placeOf(from), placeOf(to)]
  const [above, below] = [floorOf(place), floorOf(other)]
  if (above < 0) return `${place} stands on no floor: add it to the table`
  if (below > above) return 'points up'
  if (below === above) {
    const name = floors[above]!.length > 2 ? 'tools' : place
    if (featureOf(from) !== undefined && featureOf(from) === featureOf(to)) return undefined
    if (place === 'features') return 'features do not import each other'
    if (!alsoOn.has(name)) return 'points sideways'
  }
  return undefined
}

const all = files('src').flatMap(importsOf)

t.test('imports point downwards', async t => {
  t.ok(all.length > 100, 'the imports are found')
  t.same(
    all.flatMap(one => {
      const fault = against(one)
      return fault ? [`${one.from} -> ${one.to}: ${fault}`] : []
    }),
    [],
  )
  for (const exception of Object.keys(exceptions))
    t.ok(
      all.some(one => `${one.from} -> ${one.to}` === exception),
      `still needed: ${exception}`,
    )
})

t.test('no value of the settings is imported by what is configured', async t => {
  const users = all.filter(
    ({ to, typeOnly }) => placeOf(to) === 'config' && to.startsWith('src/') && !typeOnly,
  )
  t.same(
    users.map(({ from }) => from).filter(from => !/^src\/(config|commands)\/|^src\/main\.ts$/.test(from)),
    [],
  )
})

for (const [name, { pattern, others, values }] of Object.entries(doors)) {
  t.test(`${name} is imported behind its door only`, async t => {
    const counted = all.filter(({ to, typeOnly }) => to === name && !(values && typeOnly))
    const users = [...new Set(counted.map(({ from }) => from))]
    t.ok(users.length > 0)
    t.same(
      users.filter(file => !pattern.test(file) && !(file in others)),
      [],
    )
    for (const file of Object.keys(others)) t.ok(users.includes(file), `still needed: ${file}`)
  })
}

t.test('the environment is read by the settings and the commands only', async t => {
  const users = files('src').filter(file => readFileSync(join(root, file), 'utf8').includes('process.env'))
  t.same(
    users.filter(file => !environment.pattern.test(file) && !(file in environment.others)),
    [],
  )
  for (const file of Object.keys(environment.others)) t.ok(users.includes(file), `still needed: ${file}`)
})

t.test('the contract tests know a server by its address only', async t => {
  const inside = files('test/contract').flatMap(importsOf)
  t.ok(inside.length > 10)
  t.same(
    inside.filter(({ to }) => to.startsWith('src/')).map(({ from, to }) => `${from} -> ${to}`),
    [],
  )
})

t.test('importing a file opens nothing: no statement of src runs at once but declarations', async t => {
  // The one file that runs when it is loaded is main.ts; worker files run in their own threads.
  const running = files('src').filter(file =>
    /^(?:await|void|new|setInterval|setTimeout)\b/m.test(readFileSync(join(root, file), 'utf8')),
  )
  t.same(
    running.filter(file => !/-worker\.ts$|^src\/main\.ts$/.test(file)),
    [],
  )
})
