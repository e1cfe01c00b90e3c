import { present, times } from '../view.js'
import type { Association } from './repository.js'

/** An association as the API shows it. */
export const view = (row: Association) =>
  present({ name: row.name, prefix: row.prefix, properties_target: row.properties_target, ...times(row) })
