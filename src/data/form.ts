import type { Readable } from 'node:stream'
import { BadRequest } from '../errors.js'

/**
 * The file of a browser's form as a stream, the first one when there are several. A form that can't be read is a
 * BadRequest, at once or as the stream's error: the parser's own errors know no status.
 */
export async function formFile(request: {
  file(): Promise<{ file: Readable } | undefined>
}): Promise<Readable> {
  const part = await request.file().catch(cause => {
    throw new BadRequest(`The form can't be read: ${cause.message}.`, { cause })
  })
  if (!part) throw new BadRequest('The form has no file.')
  const blame = (err: Error) => Object.assign(err, { statusCode: 400 })
  // a short form may have come to its bad end already
  if (part.file.errored) throw blame(part.file.errored)
  return part.file.once('error', blame)
}
