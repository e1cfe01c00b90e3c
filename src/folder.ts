import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { StartFailure } from './errors.js'

/**
 * Makes a folder and those above it that are missing, with the permission bits `mode`. One by one: Node's own recursive
 * way never returns where a file system makes no folders, such as below /proc. Throws StartFailure, which names the
 * folder and the reason.
 */
export function makeFolder(path: string, mode = 0o777): void {
  const missing: string[] = []
  try {
    for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at)
    for (const folder of missing) make(folder, mode)
  } catch (err) {
    throw new StartFailure(`The folder ${path} can not be made: ${(err as Error).message}.`, { cause: err })
  }
  if (!statSync(path).isDirectory()) throw new StartFailure(`${path} is not a folder.`)
}

function make(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode })
  } catch (err) {
    // Another starter, at the same moment, was first.
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(folder)) throw err
  }
}
