/** One section of an INI file: its options by name, in lower case, with those of [DEFAULT] beneath. */
export interface Section {
  readonly name: string
  readonly options: ReadonlyMap<string, string>
}

/**
 * Reads INI text as Python's configparser does, by which Glance reads its own: comments are lines that begin with #
 * or ;, names and values are parted by = or :, indented lines go on with a value, [DEFAULT] holds what sections lack.
 * A section or an option given twice is a fault. `%` is an ordinary character.
 */
export function readIni(text: string): {
  sections: Section[]
  defaults: ReadonlyMap<string, string>
  faults: string[]
} {
  const faults: string[] = []
  const found = new Map<string, Map<string, string>>()
  const defaults = new Map<string, string>()
  let options: Map<string, string> | undefined
  let last: string | undefined

  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const bare = line.trim()
    if (bare === '' || bare.startsWith('#') || bare.startsWith(';')) continue
    if (/^\s/.test(line) && options && last !== undefined) {
      options.set(last, `${options.get(last)}\n${bare}`)
      continue
    }
    last = undefined
    const header = /^\[(.+)\]/.exec(bare)?.[1]
    if (header !== undefined) {
      if (found.has(header)) faults.push(`line ${at + 1}: section [${header}] is there twice`)
      options = header === 'DEFAULT' ? defaults : new Map()
      if (header !== 'DEFAULT') found.set(header, options)
      continue
    }
    const option = /^(.*?)\s*[=:]\s*(.*)$/.exec(bare)
    if (!option?.[1]) faults.push(`line ${at + 1}: is neither [section] nor name = value`)
    else if (!options) faults.push(`line ${at + 1}: stands before the first [section]`)
    else {
      last = option[1].toLowerCase()
      if (options.has(last)) faults.push(`line ${at + 1}: ${last} is there twice in its section`)
      options.set(last, option[2]!)
    }
  }
  const sections = [...found].map(([name, own]) => ({ name, options: new Map([...defaults, ...own]) }))
  return { sections, defaults, faults }
}
