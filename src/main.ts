import { readFileSync } from 'node:fs'
import type { Command } from './commands/command.js'
import { didYouMean } from './config/suggest.js'
import { StartFailure } from './errors.js'

/** A command's line in the list, and its code, loaded when it runs: serve needs many modules that others do not. */
interface Entry {
  summary: string
  load: () => Promise<Command>
}

/** The commands, in the order in which `vitrine --help` lists them. */
const commands: Record<string, Entry> = {
  serve: {
    summary: 'run the registry',
    load: async () => (await import('./commands/serve.js')).serve,
  },
  'check-config': {
    summary: 'check the settings and print what is in effect',
    load: async () => (await import('./commands/check-config.js')).checkConfig,
  },
  migrate: {
    summary: 'bring the database to the newest schema',
    load: async () => (await import('./commands/migrate.js')).migrateCommand,
  },
  metadefs: {
    summary: "load metadata definitions from Glance's files",
    load: async () => (await import('./commands/metadefs.js')).metadefs,
  },
  'hash-password': {
    summary: 'make a password hash for the users file',
    load: async () => (await import('./commands/hash-password.js')).hashPassword,
  },
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === '--version') return print(version())
  if (name === '--help' || name === '-h' || name === 'help') return print(overview())
  if (name === undefined) return misuse('a command is missing', overview())
  if (!Object.hasOwn(commands, name)) {
    const what = name.startsWith('-') ? 'flag' : 'command'
    return misuse(`unknown ${what} ${name}${didYouMean(name, Object.keys(commands))}`, overview())
  }
  const command = await commands[name]!.load()
  if (rest.includes('--help') || rest.includes('-h')) return print(usage(name, command))
  const args = rest.filter(arg => !arg.startsWith('-'))
  const flags = new Set(rest.filter(arg => arg.startsWith('-')))
  const fault = faultIn(args, flags, command)
  if (fault !== undefined) return misuse(fault, usage(name, command))
  return (await command.run(args, [...flags])) ?? 0
}

/** What is wrong with the arguments of a command, in words. */
function faultIn(args: readonly string[], flags: ReadonlySet<string>, command: Command): string | undefined {
  const unknown = [...flags].find(flag => !command.flags?.includes(flag))
  if (unknown !== undefined) return `unknown flag ${unknown}${didYouMean(unknown, command.flags ?? [])}`
  const wanted = command.args ?? []
  const missing = wanted[args.length]
  if (missing !== undefined && !missing.startsWith('[')) return `${missing} is missing`
  if (args.length > wanted.length) return `${args[wanted.length]} is one argument too many`
  const wrong = wanted.findIndex(
    (word, n) => args[n] !== undefined && word === word.toLowerCase() && word !== args[n],
  )
  return wrong < 0 ? undefined : `${args[wrong]} is not ${wanted[wrong]}`
}

function overview(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(16)}${summary}`)
  return `Usage: vitrine COMMAND

${lines.join('\n')}

vitrine COMMAND --help tells more; --version prints the version. Settings come from vitrine.yaml and VITRINE_…
variables: see docs/configuration.md.`
}

const usage = (name: string, command: Command) =>
  `Usage: ${['vitrine', name, ...(command.args ?? []), ...choice(command.flags)].join(' ')}\n\n${command.help}`

const choice = (flags: readonly string[] = []) => (flags.length > 0 ? [`[${flags.join(' | ')}]`] : [])

function print(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}

function misuse(sentence: string, help: string): number {
  process.stderr.write(`vitrine: ${sentence}\n\n${help}\n`)
  return 2
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

/** What an operator can act on is told in a sentence; anything else is a fault of ours and comes with its stack. */
function explain(err: unknown): string {
  const known = err instanceof StartFailure || (err instanceof Error && 'code' in err)
  return known ? (err as Error).message : ((err as Error)?.stack ?? String(err))
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (err) {
  process.stderr.write(`vitrine: ${explain(err)}\n`)
  process.exitCode = 1
}
// Commands close what they have opened; a leftover timer or socket must not keep the process.
process.exit()
