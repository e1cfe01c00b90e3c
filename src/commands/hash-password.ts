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
function ask(prompt: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(prompt)
  stdin.setRawMode(true).setEncoding('utf8').resume()
  return new Promise<string>((resolve, reject) => {
    let line = ''
    const onData = (keys: string) => {
      for (const key of keys) {
        if (key === '\r' || key === '\n') return end(() => resolve(line))
        if (key === '\u0003' || key === '\u0004')
          return end(() => reject(new StartFailure('No password was given.')))
        line = key === '\u007f' || key === '\b' ? [...line].slice(0, -1).join('') : line + key
      }
    }
    const end = (settle: () => void) => {
      stdin.off('data', onData).setRawMode(false).pause()
      stderr.write('\n')
      settle()
    }
    stdin.on('data', onData)
  })
}
