import {
  changed,
  type Difference,
  empty,
  faultOfGlance,
  jsonHeaders,
  merged,
  type Ours,
  refused,
  traced,
} from './difference.js'
import type { RecordedScenario, Reply } from './exchange.js'

/** Where imports, tasks, stores and the inspection of bytes leave Glance. */

type Json = Record<string, unknown>

/** The recorded image without what an import has written down. */
const untouched = (status: string): Ours =>
  changed({
    status,
    os_glance_failed_import: undefined,
    os_glance_import_task: undefined,
    os_glance_importing_to_stores: undefined,
  })

/** A failed task tells its reason by a code too. */
function coded(task: Json): Json {
  return task.status === 'failure'
    ? { ...task, result: { error: { code: '<any>', message: '<text>' } } }
    : task
}

const codes: Ours = recorded => {
  const body = recorded.body as Json | undefined
  if (!body || recorded.status !== 200) return recorded
  if (Array.isArray(body.tasks))
    return { ...recorded, body: { ...body, tasks: body.tasks.map(codedIfShown) } }
  return { ...recorded, body: codedIfShown(body) }
}

/** Lists of all tasks show no results. */
function codedIfShown(task: Json): Json {
  return Object.hasOwn(task, 'result') ? coded(task) : task
}

/** A task that failed where Glance's went through. */
const failedTask: Ours = recorded => ({
  ...recorded,
  body: coded(merged(recorded.body, { status: 'failure', message: '<text>' }) as Json),
})

const webImage = {
  checksum: '046b3239eaade30920069f171518d956',
  direct_url: 'file://<place>',
  locations: [{ metadata: { store: 'cheap' }, url: 'file://<place>' }],
  os_glance_failed_import: '',
  os_glance_import_task: undefined,
  os_glance_importing_to_stores: '',
  os_hash_algo: 'sha512',
  os_hash_value:
    'f7b8464be8c23f633cd761a6502801a7d77f59a9eb0523e50bec6b366687258a7c8e5f8b1578e56076b133a5ea1f0dd3cf439d97ebca4f335818be014a085c86',
  size: 5000,
  status: 'active',
  stores: 'cheap',
  virtual_size: 5000,
}

/** A refused image as it was before its bytes came. */
const withoutBytes: Ours = (recorded, ...rest) =>
  (recorded.body as Json).status === 'active' ? recorded : changed(noBytes)(recorded, ...rest)

const noBytes = {
  checksum: null,
  direct_url: undefined,
  locations: [],
  os_hash_algo: null,
  os_hash_value: null,
  size: null,
  status: 'queued',
  stores: undefined,
  virtual_size: null,
}

const unwritable =
  /^(stores of a .*: (a reserved store|a store that is only read)|the store "web" in the header)$/
const twice = 'web-download into a store twice'
const mismatched = 'bytes that are not what the image says, staged'
const shown = /GET \/v2\/images\/<image>$|^afterwards$/

export const differencesOfImports: readonly Difference[] = [
  {
    area: 'import',
    scenario: 'bodies that are not what they should be',
    exchanges: ['an empty list', 'a list', 'method null', 'method a text', 'method a list'],
    ours: refused(400),
    what: 'A body or a method that is no object is 400 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'import',
    scenario: /^(web-download: uri a number|stores of a .*: null)$/,
    exchanges: /^uri a number$|\/import$/,
    ours: refused(400),
    what: 'A URI that is no text, and stores that are null, are 400 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'import',
    scenario: unwritable,
    exchanges: /\/import$/,
    ours: refused(409),
    what: 'An import into a store that can not be written is 409 at once, as into one that is not there; Glance takes it on,',
    why: 'A task that can only fail is not begun.',
  },
  {
    area: 'import',
    scenario: unwritable,
    exchanges: shown,
    ours: (recorded, exchange, scenario) => {
      const direct = scenario.name.includes('glance-direct')
      const active = (recorded.body as Json).status === 'active'
      return untouched(direct ? 'uploading' : active ? 'active' : 'queued')(recorded, exchange, scenario)
    },
    what: 'and so the image stays as it was; in Glance the store is among those that failed, and a staged image stays importing for good.',
    why: 'The same.',
  },
  {
    area: 'import',
    scenario: 'an empty list of stores for a web-download',
    exchanges: shown,
    ours: changed({ os_glance_import_task: undefined }),
    what: 'An import to no store at all fails and lets the image go; in Glance the task of a web-download never ends, and keeps others from the image.',
    why: faultOfGlance,
  },
  {
    area: 'import',
    scenario: twice,
    exchanges: /tasks of the image$/,
    ours: recorded => {
      const [task] = (recorded.body as { tasks: Json[] }).tasks
      const ended = merged(task, {
        input: merged((task as Json).input, { backend: ['cheap'] }),
        result: { image_id: '<image>' },
        status: 'success',
      })
      return { ...recorded, body: { tasks: [ended] } }
    },
    what: 'A store that is named twice gets the bytes once;',
    why: 'Glance writes it twice, fails, and leaves the image importing, locked and without bytes.',
  },
  {
    area: 'import',
    scenario: twice,
    exchanges: shown,
    ours: changed(webImage),
    what: 'the image is active then',
    why: 'The same.',
  },
  {
    area: 'import',
    scenario: twice,
    exchanges: /\/file$/,
    ours: () => ({
      status: 200,
      headers: {
        ...traced,
        'content-type': 'application/octet-stream',
        'content-md5': webImage.checksum,
        'content-length': '5000',
      },
      body: '<any>',
    }),
    what: 'and gives its bytes.',
    why: 'The same.',
  },
  {
    area: 'import',
    scenario: mismatched,
    exchanges: ['afterwards'],
    ours: changed({ size: null, status: 'queued' }),
    what: 'An image whose staged bytes were refused is queued again, as after any other import that failed; in Glance it stays importing for good,',
    why: faultOfGlance,
  },
  {
    area: 'import',
    scenario: mismatched,
    exchanges: ['staged once more'],
    ours: empty,
    what: 'and so can be staged again.',
    why: 'The same.',
  },
  {
    area: 'import',
    scenario: 'bytes that are not what the image says, where one store is enough',
    exchanges: ['afterwards'],
    ours: changed({ os_glance_import_task: undefined }),
    what: 'An import that failed lets the image go; Glance keeps its lock on it.',
    why: faultOfGlance,
  },
  ...['import', 'tasks', 'formats'].map(
    (area): Difference => ({
      area,
      scenario:
        area !== 'tasks' ? /./ : /^(?!bytes that are not what the task says|images that no task can make)/,
      exchanges:
        /tasks( of the image)?( \(\d\))?$|\/tasks\?limit=1$|^the task in the end|^in the end|GET \/v2\/tasks\/<first>/,
      ours: codes,
      what: 'The result of a task that failed tells the reason by a code; in Glance it is null.',
      why: 'An addition: programs need not read the message.',
    }),
  ),
  {
    area: 'formats',
    scenario: 'a vhdx without regions, uploaded',
    exchanges: /\/file$/,
    ours: refused(415),
    what: 'A VHDX whose regions are not there is refused; Glance takes it,',
    why: 'No program can read it.',
  },
  {
    area: 'formats',
    scenario: 'a vhdx without regions, imported',
    exchanges: /tasks of the image$/,
    ours: recorded => {
      const [task] = (recorded.body as { tasks: Json[] }).tasks
      return { ...recorded, body: { tasks: [coded(merged(task, { status: 'failure' }) as Json)] } }
    },
    what: 'and so the import fails',
    why: 'The same.',
  },
  {
    area: 'formats',
    scenario: /^a vhdx without regions, /,
    exchanges: ['afterwards'],
    ours: (recorded, exchange, scenario) => {
      const failed = scenario.name.endsWith('imported') ? { os_glance_failed_import: 'fast' } : {}
      return changed({ ...noBytes, ...failed })(recorded, exchange, scenario)
    },
    what: 'and the image gets no bytes.',
    why: 'The same.',
  },
  {
    area: 'formats',
    scenario: / uploaded/,
    exchanges: ['afterwards'],
    ours: withoutBytes,
    what: 'Bytes that were refused are gone; Glance keeps them with the queued image, and gives them to whoever downloads it.',
    why: faultOfGlance,
  },
  {
    area: 'formats',
    scenario: / imported/,
    exchanges: ['afterwards'],
    ours: withoutBytes,
    what: 'An image whose staged bytes were refused is queued again, as after any other import that failed; in Glance it stays importing for good.',
    why: faultOfGlance,
  },
  {
    area: 'tasks',
    scenario: 'bodies that are not what they should be',
    exchanges: ['source a number'],
    ours: refused(400),
    what: 'A source that is no text is 400 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'tasks',
    scenario:
      /^(a task of type import from the page (image|redirect|empty)|the image of a task gets (?!an owner))/,
    exchanges: /^admin GET \/v2\/images(\/<image>|\?name=<run>)$/,
    ours: recorded => {
      const body = recorded.body as { images?: Json[] }
      const owner = { owner: '<project:admin>' }
      return {
        ...recorded,
        body: body.images
          ? { ...body, images: body.images.map(image => ({ ...image, ...owner })) }
          : { ...body, ...owner },
      }
    },
    what: 'The image of a task belongs to the project that asked for it; in Glance to nobody.',
    why: faultOfGlance,
  },
  {
    area: 'tasks',
    scenario: /^(bytes that are not what the task says|images that no task can make)$/,
    exchanges: /^(the task in the end|in the end: .*)$/,
    ours: failedTask,
    what: 'A task whose image can not be, or whose bytes are not what it says, fails; Glance makes images of unknown formats, with reserved names and with wrong bytes.',
    why: faultOfGlance,
  },
  {
    area: 'tasks',
    scenario: 'ids that are none',
    exchanges: /%00/,
    ours: (recorded, ...rest) => (recorded.status === 500 ? refused(404)(recorded, ...rest) : recorded),
    what: 'An id with a NUL character is 404 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'stores',
    scenario: 'stores and images that are none',
    exchanges: ['of %00'],
    ours: refused(404),
    what: 'An id with a NUL character is 404 instead of 500.',
    why: faultOfGlance,
  },
  {
    area: 'stores',
    scenario: 'stores and images that are none',
    exchanges: ['admin DELETE /v2/stores/os_glance_staging_store/<image>'],
    ours: refused(409),
    what: 'The staging area is no store that can be named: 409 as for any other that is not there; Glance looks for a copy in it.',
    why: 'Staged bytes have no store that clients know of.',
  },
  {
    area: 'stores',
    scenario: 'info/usage',
    exchanges: ['with a body'],
    ours: (_, __, scenario): Reply =>
      neighbourOf(scenario, 'alice GET /v2/info/usage') ?? { status: 200, headers: jsonHeaders },
    what: 'A body is passed over, as where limits are not asked for; Glance answers 500.',
    why: faultOfGlance,
  },
]

function neighbourOf(scenario: RecordedScenario, name: string): Reply | undefined {
  return scenario.exchanges.find(({ request }) => request.name === name)?.reply
}
