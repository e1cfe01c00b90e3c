import * as staged from '../../../data/staged.js'
import { Gone } from '../../../errors.js'
import type { Method } from './index.js'

/** Staged bytes: adopted as they lie where the target is the store they are in, read from there for the others. */
export const glanceDirect: Method = async (deps, image, _method, _secret, signal) => {
  const found = await staged.find(deps.db, image.id)
  if (!found) throw new Gone('The staged bytes are not there any more.')
  const { store, key, size, checksum, os_hash_algo, os_hash_value, facts } = found
  return {
    size,
    // what is read is what was staged
    ...(os_hash_algo === 'sha512' && { checksums: { sha512: os_hash_value } }),
    open: async () => (await deps.stores.readable(store).read(key, undefined, signal)).stream(),
    adoptable: { store, key, learnt: { size, checksum, os_hash_algo, os_hash_value, facts } },
    adopted: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
}
