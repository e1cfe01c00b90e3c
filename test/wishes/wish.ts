import type { Test } from 'tap'
import { startApp, type TestApp } from '../helpers/app.js'
import { startWorker } from '../helpers/tasks.js'
import { type WebServer, webServer } from '../helpers/web.js'

/** What a test of a wish works with. */
export interface World {
  /** The application, with its tasks being done; one for all wishes of a document. */
  running: TestApp
  /** Serves a small disk at every path but /absent. */
  web: WebServer
}

/** A sentence, in our words, by which a document asks something of an image service, and what became of it. */
export type Wish = { says: string } & (
  | { /** Where it is built: routes, settings. */ built: string; test: WishTest }
  | { /** Glance's rule that wins over the sentence. */ glance: string; test: WishTest }
  | { /** Whose matter it is instead. */ outside: string }
)
export type WishTest = (t: Test, world: World) => Promise<unknown>

/** One of the documents whose users Vitrine is for. */
export interface Source {
  /** A short name, which starts the names of its tests. */
  name: string
  /** What it is. */
  title: string
  wishes: readonly Wish[]
}

/** Bytes of a disk that nobody takes for a format. */
export const disk = Buffer.alloc(64 * 1024, 'a disk ')

export async function openWorld(t: Test): Promise<World> {
  const web = await webServer(t, (request, response) => {
    if (request.url === '/absent') response.writeHead(404).end()
    else response.writeHead(200, { 'content-length': disk.length }).end(disk)
  })
  const running = await startApp(t, { import_allowed_addresses: ['127.0.0.0/8'], import_allowed_ports: [] })
  await startWorker(t, running)
  return { running, web }
}

/** Waits until `look` gives something true, and gives that. */
export async function until<T>(look: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const seen = await look()
    if (seen) return seen
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  throw new Error('it did not come to pass')
}
