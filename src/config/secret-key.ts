import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartFailure } from '../errors.js'
import { makeFolder } from '../folder.js'
import type { Config } from './schema.js'

/** The settings with a secret key: the operator's, or the one of the data directory, which is made at the first start. */
export function withSecretKey(config: Config): Config {
  if (config.secret_key !== null) return config
  const path = join(config.data_dir, 'secret-key')
  makeFolder(config.data_dir)
  try {
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err
  }
  const secret_key = readFileSync(path, 'utf8').trim()
  if (!secret_key)
    throw new StartFailure(`${path} is empty: restore it, or remove it to have a new key made.`)
  return Object.freeze({ ...config, secret_key })
}
