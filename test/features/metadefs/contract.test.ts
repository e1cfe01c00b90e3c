import t from 'tap'
import { identities, users } from '../../contract/actors.js'
import { replay } from '../../contract/replay.js'
import { basicTarget } from '../../contract/target.js'
import { startApp } from '../../helpers/app.js'

// Longer than usual where many tests share few cores.
t.setTimeout(120_000)

t.test('metadata definitions are answered as a real Glance answered', async t => {
  const { as, url } = await startApp(t)
  const target = basicTarget(url)
  for (const name of users) {
    const { project, roles } = identities[name]
    const { headers } = as({ user_id: name, project_id: project, roles: [...roles] })
    target.credentials[name] = headers as Record<string, string>
  }
  await replay(t, target, ['metadefs'])
})
