import type { Deps } from '../../deps.js'
import { Gone } from '../../errors.js'
import { HASH_ALGORITHM, type Image } from '../../images/image.js'
import type { Followed } from '../../queue/followed.js'
import { ingest } from '../../streams/ingest-ring.js'

export interface Digests {
  checksum: string
  os_hash_algo: string
  os_hash_value: string
}

/** Reads an image's bytes once, from its only location, for their digests. */
export async function digestsOf(
  deps: Deps,
  image: Image,
  { signal, transfer }: { signal: AbortSignal; transfer: Pick<Followed, 'moved' | 'expect'> },
  algorithm = HASH_ALGORITHM,
): Promise<Digests> {
  const [location] = image.locations
  if (!location) throw new Gone('The image lost its location.', { code: 'image_changed' })
  transfer.expect(image.size)
  const bytes = await deps.stores.readable(location.store).read(location.key, undefined, signal)
  const { digests } = await ingest(
    bytes.stream(),
    {
      writer: { write: async () => undefined },
      hashes: deps.hashes,
      algorithms: [...new Set(['md5', algorithm])],
    },
    { expected: image.size ?? undefined, signal, onProgress: transfer.moved },
  )
  return {
    checksum: digests.md5 as string,
    os_hash_algo: algorithm,
    os_hash_value: digests[algorithm] as string,
  }
}
