import { time } from '../../images/view.js'

/** A reply without the fields that have no value: Glance leaves them out of all metadata definitions. */
export function present<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  ) as Partial<T>
}

/** When a row was made and changed; what was loaded and never changed since has no second time. */
export const times = (row: { created_at: Date; updated_at: Date | null }) => ({
  created_at: time(row.created_at),
  updated_at: row.updated_at && time(row.updated_at),
})
