import { Gone } from '../../../errors.js'
import { byWeight } from '../../../images/view.js'
import type { Method } from './index.js'

/** An active image's own bytes, from the first of its stores that gives them. */
export const copyImage: Method = async (deps, image, _method, _secret, signal) => ({
  size: image.size ?? undefined,
  async open() {
    let failure: unknown = new Gone('The image has no bytes to copy.')
    for (const { store, key } of byWeight(deps, image)) {
      try {
        return (await deps.stores.readable(store).read(key, undefined, signal)).stream()
      } catch (error) {
        failure = error
      }
    }
    throw failure
  },
  adopted: () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
})
