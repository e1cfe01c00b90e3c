import type { Deps } from '../../deps.js'
import { Gone } from '../../errors.js'
import { HASH_ALGORITHM, type Image } from '../../images/image.js'
import { ingest } from '../../streams/ingest-ring.js'

/** Seconds between two looks at whether the image is still there: a deletion ends the reading. */
const LOOK = 1

export interface Digests {
  checksum: string
  os_hash_algo: string
  os_hash_value: string
}

/**
 * Reads an image's bytes once, from its only location, for their digests. `current` gives the image, or throws Gone
 * when the reading has lost its purpose.
 */
export async function digestsOf(
  deps: Deps,
  current: () => Promise<Image>,
  signal: AbortSignal,
  algorithm = HASH_ALGORITHM,
): Promise<Digests> {
  const image = await current()
  const [location] = image.locations
  if (!location) throw new Gone('The image lost its location.')
  const over = new AbortController()
  const timer = setInterval(() => {
    current().catch(error => {
      if (error instanceof Gone) over.abort(error)
    })
  }, LOOK * 1000)
  const either = AbortSignal.any([signal, over.signal])
  try {
    const bytes = await deps.stores.readable(location.store).read(location.key, undefined, either)
    const { digests } = await ingest(
      bytes.stream(),
      {
        writer: { write: async () => undefined },
        hashes: deps.hashes,
        algorithms: [...new Set(['md5', algorithm])],
      },
      { expected: image.size ?? undefined, signal: either },
    )
    return {
      checksum: digests.md5 as string,
      os_hash_algo: algorithm,
      os_hash_value: digests[algorithm] as string,
    }
  } finally {
    clearInterval(timer)
  }
}
