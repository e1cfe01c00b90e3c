import type { Readable } from 'node:stream'
import { BadRequest, RequestTimeout } from '../errors.js'

/** Milliseconds until the file of a form has to begin; its bytes have an idle limit of their own. */
const PATIENCE = 60_000

/**
 * The file of a browser's form as a stream, the first one when there are several. A form that can't be read is a
 * BadRequest, at once or as the stream's error: the parser's own errors know no status.
 */
export async function formFile(request: {
  file(): Promise<{ file: Readable } | undefined>
}): Promise<Readable> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const stalled = new RequestTimeout(`The form's file did not begin within ${PATIENCE / 1000} seconds.`)
    timer = setTimeout(() => reject(stalled), PATIENCE)
  })
  const file = request.file().catch(cause => {
    throw new BadRequest(`The form can't be read: ${cause.message}.`, { cause })
  })
  file.catch(() => undefined)
  const part = await Promise.race([file, late]).finally(() => clearTimeout(timer))
  if (!part) throw new BadRequest('The form has no file.')
  const blame = (err: Error) => Object.assign(err, { statusCode: 400 })
  // a short form may have come to its bad end already
  if (part.file.errored) throw blame(part.file.errored)
  return part.file.once('error', blame)
}
