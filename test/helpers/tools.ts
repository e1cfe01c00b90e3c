import { spawnSync } from 'node:child_process'

/**
 * Runs a program and gives its standard output; throws with what it said when it fails. Programs of the system
 * directories are found too.
 */
export function runTool(
  program: string,
  args: string[],
  options: { input?: string; cwd?: string } = {},
): string {
  const path = `${process.env.PATH}:/usr/sbin:/sbin`
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    ...options,
    encoding: 'utf8',
    env: { ...process.env, PATH: path, LC_ALL: 'C' },
  })
  if (error) throw error
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
  return stdout
}

/**
 * What to give tap as `skip` for a test that needs a program: false when it is there, else a sentence. With CI set
 * nothing is skipped, so that the test fails where it matters.
 */
export function needs(program: string): string | false {
  const { error } = spawnSync(program, ['--version'], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  })
  return error && !process.env.CI ? `${program} is not installed` : false
}
