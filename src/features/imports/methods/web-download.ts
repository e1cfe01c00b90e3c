import type { BlobName } from '../../../data/blobs.js'
import { fetchUri } from '../../../fetch/index.js'
import { parseChecksum } from '../../../streams/checksums.js'
import type { Method } from './index.js'

/** Bytes at a URL, fetched once: further stores are copied from the first one that was written. */
export const webDownload: Method = async (deps, _image, { checksum }, secret, signal) => {
  const fetched = await fetchUri(deps.config, secret.uri ?? '', { signal })
  let first: BlobName | undefined
  let opened = false
  return {
    size: fetched.size,
    watched: true,
    ...(checksum !== undefined && { checksums: parseChecksum(checksum, 'checksum') }),
    async open() {
      if (first) return (await deps.stores.readable(first.store).read(first.key, undefined, signal)).stream()
      if (opened) return (await fetchUri(deps.config, secret.uri ?? '', { signal })).stream
      opened = true
      return fetched.stream
    },
    adopted: () => undefined,
    copied: blob => {
      first ??= blob
    },
    [Symbol.asyncDispose]: async () => {
      fetched.stream.destroy()
    },
  }
}
