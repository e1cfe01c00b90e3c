/** One command of the command line: a plain object in the table of main.ts. */
export interface Command {
  /** What `vitrine COMMAND --help` prints below the usage line. */
  help: string
  /** Names of the arguments for the usage line, such as `DIR`; one in small letters is that very word, `[DIR]` may be missing.
   * Checked. */
  args?: readonly string[]
  /** Flags that it knows, such as `--merge`; each is given at most once, anywhere. */
  flags?: readonly string[]
  /** Does the work; exits with 0 unless it gives another code. StartFailure is printed as one sentence, exit code 1. */
  run: (args: readonly string[], flags: readonly string[]) => Promise<number | undefined>
}
