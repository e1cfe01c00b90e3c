import { loadConfig } from '../config/load.js'
import { migrate } from '../db/migrate.js'
import { openLog } from '../log.js'
import type { Command } from './command.js'
import { openCommandDatabase } from './database.js'

export const migrateCommand: Command = {
  help: `serve does so itself at its start; this is for doing it ahead. Migrations only go forward, and releases only
expand the schema, so servers of the release before may keep running meanwhile.`,
  async run() {
    const config = loadConfig(process.env)
    const log = openLog({ log_level: config.log_level === 'info' ? 'warn' : config.log_level })
    const database = await openCommandDatabase(config, log, 'migrate')
    try {
      const done = await migrate(database.url)
      process.stdout.write(done.length > 0 ? `applied: ${done.join(', ')}\n` : 'the database is up to date\n')
    } finally {
      await database.close()
    }
  },
}
