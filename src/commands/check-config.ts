import { stringify } from 'yaml'
import { loadConfig } from '../config/load.js'
import { masked } from '../config/mask.js'
import type { Command } from './command.js'

export const checkConfig: Command = {
  help: `Reads the settings as serve does, from vitrine.yaml (or the file that VITRINE_CONFIG names) and the
environment. Prints them as YAML with secrets masked; or every fault, with exit code 1.`,
  async run() {
    process.stdout.write(stringify(masked(loadConfig(process.env)), { lineWidth: 0 }))
  },
}
