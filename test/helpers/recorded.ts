import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { identities, users } from '../contract/actors.js'
import { replay } from '../contract/replay.js'
import { areas } from '../contract/scenarios/index.js'
import { basicTarget } from '../contract/target.js'
import { startWeb } from '../contract/web.js'
import { startApp } from './app.js'
import { startWorker } from './tasks.js'

/** As the real Glance weighed its stores when it was recorded. */
const weights: Record<string, number> = { fast: 0, cheap: 100, web: 0 }

/**
 * Replays areas that were recorded with the http store `web` and with leave to fetch from loopback, against the whole
 * application and a worker for its tasks.
 */
export async function replayWithWeb(t: Test, wanted: readonly string[]): Promise<void> {
  const strange = wanted.filter(name => !areas.find(area => area.name === name)?.web)
  if (strange.length > 0) throw new Error(`not recorded with a web: ${strange.join()}`)
  const web = await startWeb()
  t.teardown(() => web.close())
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-cache-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const running = await startApp(
    t,
    {
      show_multiple_locations: true,
      show_image_direct_url: true,
      max_image_size: 10 * 2 ** 30,
      cache_dir: folder,
      import_allowed_hosts: ['127.0.0.1', 'localhost'],
      import_allowed_ports: [],
      import_disallowed_ports: ['22', '25'],
      import_allowed_addresses: ['127.0.0.1/32'],
    },
    {
      moreStores: ['web=http:'],
      change: ({ stores }) => ({
        stores: {
          ...stores,
          settings: name => ({
            ...stores.settings(name),
            description: `store ${name}`,
            weight: weights[name] ?? 0,
          }),
        },
      }),
    },
  )
  await startWorker(t, running)
  const target = { ...basicTarget(running.url), web: web.base }
  for (const name of users) {
    const { project, roles } = identities[name]
    const { headers } = running.as({ user_id: name, project_id: project, roles: [...roles] })
    target.credentials[name] = headers as Record<string, string>
  }
  await replay(t, target, wanted)
}
