import t from 'tap'
import { identities, users } from '../../contract/actors.js'
import { replay } from '../../contract/replay.js'
import { basicTarget } from '../../contract/target.js'
import { startWeb } from '../../contract/web.js'
import { startApp } from '../../helpers/app.js'
import { startWorker } from '../../helpers/tasks.js'

// Some hundred requests and the tasks behind them; a busy machine needs minutes for them.
t.setTimeout(300_000)

/** As the real Glance weighed its stores when it was recorded. */
const weights: Record<string, number> = { fast: 0, cheap: 100, web: 0 }

t.test('locations and stores are answered as a real Glance answered', async t => {
  const web = await startWeb()
  t.teardown(() => web.close())
  const running = await startApp(
    t,
    {
      show_multiple_locations: true,
      show_image_direct_url: true,
      import_allowed_hosts: ['127.0.0.1', 'localhost'],
      import_allowed_ports: [],
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
  await replay(t, target, ['locations'])
})
