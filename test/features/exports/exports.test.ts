import { execFileSync } from 'node:child_process'
import t from 'tap'
import { columns } from '../../../src/features/exports/rows.js'
import { admin, alice, bob, rita, startApp } from '../../helpers/app.js'
import type { Client } from '../../helpers/client.js'
import { noOpenpyxl, python, readCsv, readWorkbook, unzip } from '../../helpers/spreadsheets.js'

t.setTimeout(120_000)

const path = '/v2/exports/images'

/** The rows of an export, as objects by heading. */
async function exported(who: Client, query: string, format = 'csv'): Promise<Record<string, string>[]> {
  const { status, bytes, text } = await who.send('GET', `${path}?format=${format}${query}`)
  if (status !== 200) throw new Error(text)
  const [headings = [], ...rows] =
    format === 'csv' ? readCsv(bytes.toString('utf8').slice(1)) : await readWorkbook(bytes)
  return rows.map(row => Object.fromEntries(headings.map((heading, n) => [heading, row[n] ?? ''])))
}

/** Ids of a whole list, page by page. */
async function listed(who: Client, query: string): Promise<string[]> {
  const ids: string[] = []
  let next: string | undefined = `/v2/images?limit=7${query}`
  while (next !== undefined) {
    const { json } = await who.get(next)
    ids.push(...json.images.map((one: { id: string }) => one.id))
    next = json.next
  }
  return ids
}

t.test('the rows are those that the list shows the caller', async t => {
  const server = await startApp(t)
  const people = {
    admin: server.as(admin),
    alice: server.as(alice),
    rita: server.as(rita),
    bob: server.as(bob),
  }
  for (const [n, visibility] of ['private', 'shared', 'community', 'public', 'private', 'shared'].entries())
    for (const who of [people.admin, people.alice, people.bob])
      if (visibility !== 'public' || who === people.admin)
        await who.create({
          name: `image ${n}`,
          visibility,
          os_distro: n % 2 ? 'debian' : 'ubuntu',
          tags: ['t'],
        })
  const { id } = await people.bob.create({ name: 'for alpha', visibility: 'shared' })
  await people.bob.post(`/v2/images/${id}/members`, { member: 'alpha' })
  await people.alice.put(`/v2/images/${id}/members/alpha`, { status: 'accepted' })
  await people.alice.create({ name: 'hidden', os_hidden: true })

  for (const [name, who] of Object.entries(people))
    for (const query of [
      '',
      '&visibility=community',
      '&visibility=all',
      '&visibility=shared&member_status=all',
      '&owner=beta',
      '&os_distro=debian&tag=t',
      '&os_hidden=true',
      '&name=in:image%201,image%202',
      '&sort=name:asc,id:desc',
      '&sort_key=id&sort_dir=asc',
      '&os_distro=nothing',
    ]) {
      const ids = await listed(who, query)
      t.same(
        (await exported(who, query)).map(row => row.id),
        ids,
        `${name}${query}: csv`,
      )
      t.same(
        (await exported(who, query, 'xlsx')).map(row => row.id),
        ids,
        `${name}${query}: xlsx`,
      )
    }

  const own = await exported(people.alice, '&created_by=me&visibility=all')
  t.ok(own.length > 3)
  t.same([...new Set(own.map(row => row.owner))], ['alpha'])
  t.same(await exported(people.rita, '&created_by=me'), [], 'those of the project are others')
})

t.test('what stands in the columns', async t => {
  const server = await startApp(t)
  const me = server.as(alice)
  const bytes = Buffer.alloc(1234)
  const full = await me.createActive(bytes, {
    name: 'full',
    architecture: 'x86_64',
    hw_firmware_type: 'uefi',
    os_type: 'linux',
    os_distro: 'ubuntu',
    os_version: '24.04',
    feature_cloud_init: 'yes',
    feature_hot_upgrade: 'no',
    hw_qemu_guest_agent: 'Yes',
    cinder_encryption_key_id: 'a-key',
  })
  const bare = await me.inject({ method: 'POST', url: '/v2/images', payload: '{}' })
  for (const format of ['csv', 'xlsx']) {
    const rows = await exported(me, '&sort=size:asc', format)
    t.same(
      rows,
      [
        {
          name: 'full',
          id: full.id,
          status: 'active',
          visibility: 'shared',
          owner: 'alpha',
          size: '1234',
          disk_format: 'raw',
          container_format: 'bare',
          architecture: 'x86_64',
          firmware: 'uefi',
          os_type: 'linux',
          os_distro: 'ubuntu',
          os_version: '24.04',
          features: 'feature_cloud_init, hw_qemu_guest_agent',
          encryption: 'yes',
          version: '',
          production: '',
          created: full.created_at,
        },
        {
          ...Object.fromEntries(columns.map(({ heading }) => [heading, ''])),
          id: bare.json.id,
          status: 'queued',
          visibility: 'shared',
          owner: 'alpha',
          encryption: 'no',
          created: bare.json.created_at,
        },
      ],
      format,
    )
  }
})

t.test('versions are told, and shown to whom the list shows them', async t => {
  const server = await startApp(t)
  const me = server.as(alice)
  const first = await me.createActive(Buffer.alloc(10), { name: 'base' })
  const made = await me.post(`/v2/images/${first.id}/versions`, { comment: 'next' })
  const second = made.json.image_id
  for (const format of ['csv', 'xlsx']) {
    t.match(await exported(me, '', format), [{ id: first.id, version: '1', production: 'true' }])
    t.match(await exported(me, '&os_hidden=true', format), [
      { id: second, version: '2', production: 'false' },
    ])
    t.same(await exported(server.as(rita), '&os_hidden=true', format), [], 'a reader knows of no other')
  }
  await me.post('/v2/batch', { action: 'delete', images: [second] })
  t.same(await exported(me, '&os_hidden=true'), [], 'nor is one in the recycle bin')
})

t.test('a property that its reader may not read is in no column', async t => {
  const server = await startApp(
    t,
    {},
    {
      change: deps => ({
        protections: {
          active: true,
          may: (caller, operation, name) => operation !== 'read' || caller.is_admin || name !== 'os_version',
        },
        log: deps.log,
      }),
    },
  )
  await server.as(alice).create({ os_distro: 'debian', os_version: '13' })
  t.match(await exported(server.as(alice), ''), [{ os_distro: 'debian', os_version: '' }])
  t.match(await exported(server.as(admin), ''), [{ os_distro: 'debian', os_version: '13' }])
})

const hostile = [
  '=HYPERLINK("http://evil.example","x")',
  '+1',
  '-1',
  '@SUM(A1)',
  '\tstart',
  '\rstart',
  '\n=1',
  '＝1',
  'a "quoted", text',
  'a;=1',
  'two\r\nlines\rand\nmore',
  ' kept spaces ',
  '<b>&amp;</b> ]]>',
  'bell \x07, escape \x1b[31m, end of file \x1a',
  'not characters \ufffe \uffff',
  '_x0041_ and _x005F_',
  'Ω, 中文, עברית, e\u0301',
]

t.test('no cell is a formula, and text comes out as it went in', async t => {
  const server = await startApp(t)
  const me = server.as(alice)
  for (const [n, name] of hostile.entries())
    await me.create({ name, id: `00000000-0000-4000-8000-0000000000${String(n).padStart(2, '0')}` })
  await me.create({
    name: 'long',
    os_version: 'v'.repeat(40_000),
    id: 'ffffffff-0000-4000-8000-000000000000',
  })
  const query = '&sort=id:asc'
  const workbook = await exported(me, query, 'xlsx')
  t.same(
    workbook.map(row => row.name),
    [...hostile, 'long'],
  )
  t.equal(workbook.at(-1)?.os_version, 'v'.repeat(32_767), 'a cell holds no more')
  const { bytes } = await me.send('GET', `${path}?format=xlsx${query}`)
  const files = await unzip(bytes)
  t.notOk(files['xl/worksheets/sheet1.xml']?.includes('<f'), 'no formula in the workbook')

  const csv = await exported(me, query)
  t.same(
    csv.map(row => row.name),
    [...hostile.map((text, n) => (n < 8 ? `'${text}` : text)), 'long'],
  )
  t.equal(csv.at(-1)?.os_version?.length, 40_000)
  const raw = (await me.send('GET', `${path}?format=csv${query}`)).bytes
  t.same([...raw.subarray(0, 3)], [0xef, 0xbb, 0xbf], 'Excel is told that it is UTF-8')
  t.match(raw.toString(), '"a;=1"', 'a semicolon ends no cell either')

  t.test('openpyxl and the csv of Python read the same', { skip: noOpenpyxl }, async t => {
    const script = `
import base64, csv, io, json, sys
import openpyxl
book, text = (base64.b64decode(one) for one in sys.stdin.read().split())
sheet = openpyxl.load_workbook(io.BytesIO(book), read_only=True).active
rows = list(sheet.iter_rows())
kinds = sorted({cell.data_type for row in rows for cell in row if cell.value is not None})
names = [row[0].value for row in rows]
records = [row[0] for row in csv.reader(io.StringIO(text.decode('utf-8-sig'), newline=''), strict=True)]
print(json.dumps([kinds, names, records]))`
    const input = `${bytes.toString('base64')} ${raw.toString('base64')}`
    const [kinds, names, records] = JSON.parse(
      execFileSync(python, ['-c', script], { input, encoding: 'utf8' }),
    )
    t.ok(
      kinds.every((kind: string) => kind === 's' || kind === 'inlineStr'),
      kinds.join(),
    )
    // openpyxl leaves the escapes of control characters as they are
    const escaped = (text: string) =>
      text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-F]{4}_)/g, one =>
        one === '\r' ? one : `_x${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`,
      )
    t.same(names, ['name', ...hostile.map(escaped), 'long'])
    t.same(records, ['name', ...csv.map(row => row.name)])
  })
})

t.test('the answer says what it is', async t => {
  const server = await startApp(t, {}, { change: () => ({ now: () => new Date('2026-02-03T23:59:59Z') }) })
  const me = server.as(alice)
  const xlsx = await me.send('GET', `${path}?format=xlsx`)
  t.match(xlsx.headers, {
    'content-type': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    'content-disposition': 'attachment; filename="images-2026-02-03.xlsx"',
    'x-openstack-request-id': /^req-/,
  })
  t.equal((await readWorkbook(xlsx.bytes)).length, 1, 'headings alone')
  const csv = await me.send('GET', `${path}?format=csv`)
  t.match(csv.headers, {
    'content-type': /^text\/csv; charset=utf-8/,
    'content-disposition': 'attachment; filename="images-2026-02-03.csv"',
  })
  t.equal(csv.bytes.toString('utf8'), `\ufeff${columns.map(({ heading }) => heading).join(',')}\r\n`)
})

t.test('what can not be meant is refused before anything is sent', async t => {
  const server = await startApp(t)
  const me = server.as(alice)
  for (const query of [
    '',
    '?format=',
    '?format=ods',
    '?format=__proto__',
    '?format=csv&limit=5',
    '?format=csv&marker=x',
    '?format=csv&created_by=bob',
    '?format=csv&created_by=me&created_by=bob',
    '?format=xlsx&visibility=none',
    '?format=xlsx&sort=colour',
    '?format=csv&size_min=many',
    '?format=csv&name=%00',
    '?format=csv&os_hidden=perhaps',
    '?format=csv&updated_at=then',
    `?format=csv&${Array.from({ length: 200 }, (_, n) => `p${n}=v`).join('&')}`,
  ])
    t.equal((await me.get(path + query)).status, 400, query.slice(0, 60))
  t.equal((await me.post(path)).status, 405)
  const nobody = server.as({ user_id: 'none', project_id: 'alpha', roles: [] })
  t.match(await nobody.get(`${path}?format=csv`), { status: 403, text: /export_images/ })
  t.equal((await server.app.inject({ url: `${path}?format=csv` })).statusCode, 401)
})
