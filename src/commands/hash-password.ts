import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { hashPassword as hash } from '../auth/passwords.js'
import { StartFailure } from '../errors.js'
import type { Command } from './command.js'

export const hashPassword: Command = {
  help: `Reads a password from standard input, without showing it in a terminal, and prints its argon2id hash for
the users file of VITRINE_AUTH=basic. A newline at the end is not part of the password.`,
  async run() {
    const password = process.stdin.isTTY
      ? await askTwice()
      : (await text(process.stdin)).replace(/\r?\n$/, '')
    if (password === '') throw new StartFailure('The password is empty.')
    process.stdout.write(`${await hash(password)}\n`)
  },
}

async function askTwice(): Promise<string> {
  const password = await ask('Password: ')
  if (password !== (await ask('Again: '))) throw new StartFailure('The two passwords differ.')
  return password
}

/** One line from the terminal, whose echo is off meanwhile. */
async function ask(prompt: string): Promise<string> {
  process.stderr.write(prompt)
  const { stdin } = process
  stdin.setRawMode(true)
  let line = ''
  try {
    for await (const chunk of Readable.from(stdin.setEncoding('utf8').iterator({ destroyOnReturn: false })))
      for (const key of chunk as string) {
        if (key === '\r' || key === '\n') return line
        if (key === '\u0003' || key === '\u0004') throw new StartFailure('No password was given.')
        line = key === '\u007f' || key === '\b' ? [...line].slice(0, -1).join('') : line + key
      }
    return line
  } finally {
    stdin.setRawMode(false).pause()
    process.stderr.write('\n')
  }
}
