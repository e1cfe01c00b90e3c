import { stringify } from 'yaml'
import { readUsers } from '../auth/users-file.js'
import { loadConfig } from '../config/load.js'
import { masked } from '../config/mask.js'
import type { Config } from '../config/schema.js'
import { Faults, StartFailure } from '../errors.js'
import { glanceRules } from '../policy/defaults.js'
import { openPolicy } from '../policy/enforcer.js'
import { openPropertyProtections } from '../policy/property-protections.js'
import type { Command } from './command.js'

export const checkConfig: Command = {
  help: `Reads the settings as serve does, from vitrine.yaml (or the file that VITRINE_CONFIG names) and the
environment, and the files of policies, property protections and users that they name. Prints the settings as
YAML with secrets masked; or every fault, with exit code 1.`,
  async run() {
    const config = loadConfig(process.env)
    await checkFiles(config)
    process.stdout.write(stringify(masked(config), { lineWidth: 0 }))
  },
}

/** Reads the files that the settings name. Throws StartFailure with the faults of all of them. */
async function checkFiles(config: Config): Promise<void> {
  const { policiesOfFeatures } = await import('./listen.js')
  const declared = { ...glanceRules, ...policiesOfFeatures() }
  const faults: string[] = []
  const tried = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (err) {
      if (!(err instanceof Faults)) throw err
      faults.push(err.message)
      return undefined
    }
  }
  // a protection may name rules; without those of the operator's file, the defaults
  const policy = tried(() => openPolicy(config.policy_file, declared)) ?? openPolicy(null, declared)
  tried(() => openPropertyProtections(config.property_protection_file, policy))
  const { users_file } = config
  if (config.auth === 'basic' && users_file !== null) tried(() => readUsers(users_file, policy.isAdmin))
  if (faults.length > 0) throw new StartFailure(faults.join('\n'))
}
