import { loadConfig } from '../config/load.js'
import { openDatabase, openPool } from '../db/connect.js'
import { migrate } from '../db/migrate.js'
import { StartFailure } from '../errors.js'
import { type Existing, type Loaded, loadMetadefs } from '../features/metadefs/load.js'
import { ownNamespaces } from '../features/metadefs/own.js'
import { openLog } from '../log.js'
import type { Command } from './command.js'
import { openCommandDatabase } from './database.js'

const modes: Record<string, Existing> = { '--merge': 'merge', '--update': 'update', '--replace': 'replace' }

export const metadefs: Command = {
  args: ['load', '[DIR]'],
  flags: Object.keys(modes),
  help: `Loads metadata definitions from the .json files of DIR (or from one such file), each a namespace in the format
of Glance's etc/metadefs; without DIR Vitrine's own, with the systems, versions, architectures, firmwares and features
that VITRINE_STRICT_PROPERTIES knows. A server may be running meanwhile. Files with faults stop it before anything is loaded. A
namespace that is there already stays as it is, or with one of
  --merge    gets what it lacks and keeps the rest (glance-manage's --merge)
  --update   gets what it lacks, and what the file has too becomes as in the file (--merge --prefer_new)
  --replace  becomes what the file says; everything else in it is deleted (--merge --overwrite)
A namespace that names no owner belongs to "admin", which is no project: admins change it.`,
  async run([, path], flags) {
    const [flag, another] = flags
    if (another !== undefined) throw new StartFailure(`${flag} and ${another} can't be combined.`)
    const config = loadConfig(process.env)
    const log = openLog({ log_level: config.log_level === 'info' ? 'warn' : config.log_level })
    const database = await openCommandDatabase(config, log, 'metadefs load')
    try {
      await migrate(database.url)
      const db = openDatabase(openPool(database.url, { log, connections: 1 }))
      try {
        const existing = flag === undefined ? 'skip' : modes[flag]
        process.stdout.write(summary(await loadMetadefs({ db }, path ?? ownNamespaces(), { existing })))
      } finally {
        await db.destroy()
      }
    } finally {
      await database.close()
    }
    return 0
  },
}

/** One line for each thing that was done, and nothing for what was not. */
function summary(loaded: Loaded): string {
  const lines = Object.entries(loaded)
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what} ${names.length}: ${names.join(', ')}\n`)
  return lines.join('')
}
