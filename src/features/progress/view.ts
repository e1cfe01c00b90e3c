import type { Static } from '@sinclair/typebox'
import { time } from '../../images/view.js'
import type { Phase } from './phase.js'
import type { ProgressRow } from './repository.js'
import type { Progress } from './schemas.js'

/** Phases in which the bytes are all there. */
const complete: ReadonlySet<Phase> = new Set(['available', 'deleted'])

/** How far an image is, as the API tells it. */
export function view(row: ProgressRow): Static<typeof Progress> {
  const phase = row.phase as Phase
  const whole = complete.has(phase)
  const done = whole ? row.size : (row.bytes_done ?? 0)
  const total = whole ? row.size : row.bytes_total
  return {
    phase,
    bytes_done: done,
    bytes_total: total,
    percent: whole ? 100 : percentOf(done ?? 0, total),
    bytes_per_second: phase === 'uploading' || phase === 'importing' ? row.bytes_per_second : null,
    started_at: row.started_at && time(row.started_at),
    updated_at: time(row.updated_at ?? row.image_updated_at),
    error: row.code === null ? null : { code: row.code, message: row.message ?? '' },
  }
}

/** Whole percent; 100 only when the last byte has come. */
const percentOf = (done: number, total: number | null) =>
  total === null ? null : total === 0 ? 0 : Math.min(100, Math.floor((100 * done) / total))
