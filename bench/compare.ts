/**
 * Vitrine beside another server of the Image API, such as a Glance, on the same machine: transfers of one client and
 * requests for one image, in interleaved rounds, of which medians and their ratio count. Asserts nothing.
 *
 *   BENCH_TARGETS='vitrine=http://127.0.0.1:9292 glance=http://127.0.0.1:9392' BENCH_TOKEN=… npm run bench:compare
 *
 * BENCH_TOKEN is a Keystone token that both take. BENCH_ROUNDS (5), BENCH_MIB (1024), BENCH_SECONDS (5),
 * BENCH_CLIENTS (16) and BENCH_FILE (in /dev/shm) can be set. Needs curl; put the stores of both in memory to
 * take the disk out.
 */
import { execFile } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import http from 'node:http'
import { promisify } from 'node:util'

const run = promisify(execFile)
const { env } = process
const token = env.BENCH_TOKEN ?? ''
const rounds = Number(env.BENCH_ROUNDS ?? 5)
const mebibytes = Number(env.BENCH_MIB ?? 1024)
const seconds = Number(env.BENCH_SECONDS ?? 5)
const clients = Number(env.BENCH_CLIENTS ?? 16)
const file = env.BENCH_FILE ?? '/dev/shm/vitrine-bench.raw'
const targets = (env.BENCH_TARGETS ?? 'vitrine=http://127.0.0.1:9292').split(/\s+/).map(text => {
  const [name = '', url = ''] = text.split(/=(.*)/s)
  return { name, url }
})

/** Incompressible bytes. */
function makeFile(): void {
  const block = Buffer.alloc(2 ** 20)
  const handle = openSync(file, 'w')
  for (let n = 0; n < mebibytes; n++) writeSync(handle, randomFillSync(block))
  closeSync(handle)
}

async function api(url: string, method: string, path: string, body?: object): Promise<{ id: string }> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { 'x-auth-token': token, accept: 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${url}${path}: ${answer.status} ${await answer.text()}`)
  return (answer.status === 204 ? {} : await answer.json()) as { id: string }
}

const newImage = (url: string) =>
  api(url, 'POST', '/v2/images', { name: 'bench', disk_format: 'raw', container_format: 'bare' })

/** Seconds that curl takes. Throws unless it gets the wanted status. */
async function curl(...args: string[]): Promise<number> {
  const format = '%{http_code} %{time_total}'
  const { stdout } = await run('curl', [
    '-s',
    '-o',
    '/dev/null',
    '-w',
    format,
    '-H',
    `X-Auth-Token: ${token}`,
    ...args,
  ])
  const [status = '', took = ''] = stdout.split(' ')
  if (!status.startsWith('2')) throw new Error(`curl ${args.at(-1)}: ${status}`)
  return Number(took)
}

/** MB/s of an upload and of a download of the same image. */
async function transfers(url: string): Promise<{ up: number; down: number }> {
  const { id } = await newImage(url)
  const path = `${url}/v2/images/${id}/file`
  const megabytes = (mebibytes * 2 ** 20) / 1e6
  const up =
    megabytes /
    (await curl('-T', file, '-H', 'Content-Type: application/octet-stream', '-H', 'Expect:', path))
  const down = megabytes / (await curl(path))
  await api(url, 'DELETE', `/v2/images/${id}`)
  return { up, down }
}

/** Requests a second for one image by some clients that keep their connections. */
async function requests(url: string): Promise<number> {
  const { id } = await newImage(url)
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients })
  const target = new URL(`${url}/v2/images/${id}`)
  const end = performance.now() + seconds * 1000
  let count = 0
  const one = () =>
    new Promise<void>((resolve, reject) => {
      http
        .get(target, { agent, headers: { 'x-auth-token': token } }, response => {
          if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`))
          response.on('end', resolve).resume()
        })
        .on('error', reject)
    })
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) {
        await one()
        count++
      }
    }),
  )
  agent.destroy()
  await api(url, 'DELETE', `/v2/images/${id}`)
  return count / seconds
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

makeFile()
try {
  const results = new Map(
    targets.map(({ name }) => [name, { up: [], down: [], get: [] } as Record<string, number[]>]),
  )
  for (let round = 0; round < rounds; round++) {
    for (const { name, url } of targets) {
      const { up, down } = await transfers(url)
      const get = await requests(url)
      const into = results.get(name)
      into?.up?.push(up)
      into?.down?.push(down)
      into?.get?.push(get)
      console.log(
        `round ${round + 1} ${name}: up ${up.toFixed(0)} MB/s, down ${down.toFixed(0)} MB/s, GET ${get.toFixed(0)}/s`,
      )
    }
  }
  const labels = {
    up: `upload ${mebibytes} MiB, MB/s`,
    down: `download ${mebibytes} MiB, MB/s`,
    get: `GET image, ${clients} clients, req/s`,
  }
  console.log(`\n| medians of ${rounds} | ${targets.map(one => one.name).join(' | ')} | first / second |`)
  console.log(`|---|${'---|'.repeat(targets.length + 1)}`)
  for (const [key, label] of Object.entries(labels)) {
    const values = targets.map(({ name }) => median(results.get(name)?.[key] ?? []))
    const ratio = values.length > 1 ? ((values[0] ?? 0) / (values[1] ?? 1)).toFixed(2) : ''
    console.log(`| ${label} | ${values.map(value => value.toFixed(0)).join(' | ')} | ${ratio} |`)
  }
} finally {
  rmSync(file, { force: true })
}
