import { setTimeout as sleep } from 'node:timers/promises'
import { send, type WireReply } from './client.js'
import { disk } from './disks.js'
import type { Exchange, Payload, Scenario, Step } from './exchange.js'
import { normalise } from './normalise.js'
import type { Target } from './target.js'
import { expand, expandAll, newVariables, save, type Variables } from './variables.js'

/**
 * Plays one scenario and returns what was said; deletes the images and namespaces that it made. Throws if a
 * connection breaks.
 */
export async function play(scenario: Scenario, target: Target): Promise<Exchange[]> {
  const exchanges: Exchange[] = []
  try {
    for await (const exchange of playing(scenario, target)) exchanges.push(exchange)
  } catch (err) {
    throw new Error(`in '${scenario.name}', step ${exchanges.length + 1}`, { cause: err })
  }
  return exchanges
}

/** The same, one exchange at a time, so that what was said before a failure is known. */
export async function* playing(scenario: Scenario, target: Target): AsyncGenerator<Exchange> {
  const variables = newVariables(target)
  const made: string[] = []
  try {
    for (const request of named(scenario.steps)) {
      const wire = await ask(request, variables)
      const body = bodyObject(wire)
      if (wire.status === 201 && /^\/v2[^/]*\/images$/.test(request.path)) made.push(`images/${body.id}`)
      if (wire.status === 201 && request.path === '/v2/metadefs/namespaces') {
        made.push(`metadefs/namespaces/${encodeURIComponent(String(body.namespace))}`)
      }
      // Normalised after saving, so that an id shows under its name already in the reply that gives it.
      for (const [name, key] of Object.entries(request.save ?? {})) {
        const [value] = valuesAt(body, key)
        if (typeof value === 'string') save(variables, name, value)
      }
      yield { request, reply: normalise(wire, variables) }
    }
  } finally {
    for (const path of made) await remove(path, target)
  }
}

/** Gives every step a name of its own within the scenario. */
export function named(steps: readonly Step[]): (Step & { name: string })[] {
  const seen = new Map<string, number>()
  return steps.map(step => {
    const name = step.name ?? `${step.actor} ${step.method} ${step.path}`
    const times = (seen.get(name) ?? 0) + 1
    seen.set(name, times)
    return { ...step, name: times === 1 ? name : `${name} (${times})` }
  })
}

async function ask(step: Step, variables: Variables): Promise<WireReply> {
  const { target } = variables
  const headers: Record<string, string> = { ...target.credentials[step.actor] }
  const wanted = { accept: 'application/json', ...typeOf(step), ...step.headers }
  for (const [name, value] of Object.entries(wanted))
    if (value !== null) headers[name] = expand(value, variables)
  const body = bytesOf(step, variables)
  const wire = {
    method: step.method,
    path: expand(step.path, variables),
    headers,
    ...(body && { body }),
    ...(step.chunked && { chunked: true }),
  }
  if (!step.until) return send(target.base, wire)
  const { key, is } = step.until
  for (const deadline = Date.now() + 30_000; ; await sleep(50)) {
    const reply = await send(target.base, wire)
    const settled = valuesAt(bodyObject(reply), key).every(value => is.includes(value ?? null))
    if (settled || Date.now() > deadline) return reply
  }
}

function typeOf(step: Step): Record<string, string> {
  return step.json === undefined ? {} : { 'content-type': 'application/json' }
}

function bytesOf(step: Step, variables: Variables): Buffer | undefined {
  if (step.json !== undefined) return Buffer.from(JSON.stringify(expandAll(step.json, variables)))
  if (step.text !== undefined) return Buffer.from(expand(step.text, variables))
  return step.bytes && payload(step.bytes)
}

export function payload(wanted: Payload): Buffer {
  if ('base64' in wanted) return Buffer.from(wanted.base64, 'base64')
  if ('disk' in wanted) return disk(wanted.disk)
  return Buffer.alloc(wanted.size).map((_, i) => i % 251) as Buffer
}

/** What stands at `a.0.b` in a reply, or at `a.*.b` for each of a list. */
function valuesAt(body: unknown, key: string): unknown[] {
  return key
    .split('.')
    .reduce<unknown[]>(
      (values, part) =>
        values.flatMap(value =>
          part === '*' ? (value ?? []) : [(value as Record<string, unknown>)?.[part]],
        ),
      [body],
    )
}

function bodyObject(wire: WireReply): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(wire.body.toString())
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

async function remove(thing: string, target: Target): Promise<void> {
  const path = `/v2/${thing}`
  const headers = target.credentials.admin
  const reply = await send(target.base, { method: 'DELETE', path, headers })
  if (reply.status !== 403) return
  const isImage = thing.startsWith('images/')
  const unprotect = isImage
    ? [{ op: 'replace', path: '/protected', value: false }]
    : { namespace: decodeURIComponent(thing.split('/').at(-1) as string) }
  const type = isImage ? 'application/openstack-images-v2.1-json-patch' : 'application/json'
  const body = Buffer.from(JSON.stringify(unprotect))
  const method = isImage ? 'PATCH' : 'PUT'
  await send(target.base, { method, path, headers: { ...headers, 'content-type': type }, body })
  await send(target.base, { method: 'DELETE', path, headers })
}
