import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildApp, features } from '../app.js'
import type { Deps } from '../deps.js'
import { StartFailure } from '../errors.js'
import { startTasks } from '../tasks.js'

/** A server that takes requests. */
export interface Serving {
  /** Such as http://127.0.0.1:9292. */
  url: string
  /** Takes no new connections; resolves when running requests have ended, which they are made to after `seconds` or when `urged`. */
  drain(seconds: number, urged: AbortSignal): Promise<void>
}

/** Builds the app and listens where the settings say. Throws StartFailure when that place is taken or not ours. */
export async function listen(deps: Deps): Promise<Serving> {
  const app = await buildApp(deps)
  const { host, port } = deps.config
  try {
    await app.listen({ host, port })
  } catch (err) {
    await app.close()
    throw new StartFailure(`Can't listen on ${host} port ${port}: ${reason(err as NodeJS.ErrnoException)}.`)
  }
  return {
    url: urlOf(host, (app.server.address() as AddressInfo).port),
    async drain(seconds, urged) {
      const closed = app.close()
      // connections that were busy when it began would wait for their client's next request otherwise
      const idle = setInterval(() => app.server.closeIdleConnections(), 250)
      const finished = new AbortController()
      const late = sleep(seconds * 1000, true, { signal: AbortSignal.any([urged, finished.signal]) }).catch(
        () => true,
      )
      await Promise.race([closed, late])
      app.server.closeAllConnections()
      await closed
      clearInterval(idle)
      finished.abort()
      await late
    },
  }
}

/** The rules of all features' operations. */
export const policiesOfFeatures = () => Object.assign({}, ...features.map(feature => feature.policies ?? {}))

/** The periodic jobs of all features. */
export const jobsOfFeatures = () => features.flatMap(feature => feature.jobs ?? [])

/** Starts doing the tasks of all features. */
export const startTasksOfFeatures = (deps: Deps) => startTasks(deps, features)

/** As a client on this machine would write it. */
export function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return 'something listens there already'
  if (code === 'EACCES') return 'only root may listen on this port'
  if (code === 'EADDRNOTAVAIL') return 'this machine does not have that address'
  return message
}
