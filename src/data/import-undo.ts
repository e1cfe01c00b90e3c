import type { Database } from '../db/connect.js'
import type { Image } from '../images/image.js'
import { type Change, update } from '../images/repository.js'
import { noteUndo, type Task } from '../queue/tasks.js'

/**
 * What an import changes of its image besides the bytes (formats by a conversion, properties of another region's image)
 * is taken back when it fails or is cancelled, in whichever process: so what was before is noted with the task.
 */

/** Notes the formats that the image had before. */
export const noteFormats = (tx: Database, task: string, { disk_format, container_format }: Image) =>
  noteUndo(tx, task, { columns: { disk_format, container_format } })

/** Notes properties as they were before: values to put back, and names that there were not. */
export const noteProperties = (tx: Database, task: string, before: Pick<Change, 'properties' | 'removed'>) =>
  noteUndo(tx, task, before)

/** Takes back what the task has changed. Needs the image's lock. */
export async function takeBack(tx: Database, imageId: string, task: Task | undefined): Promise<void> {
  if (!task?.undo) return
  const noted = task.undo as unknown as Partial<Change>
  await update(tx, imageId, { columns: {}, properties: {}, removed: [], ...noted })
}
