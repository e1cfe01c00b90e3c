import type { Caller } from '../../auth/caller.js'
import { destroy } from '../../data/destroy.js'
import { patch } from '../../data/patch.js'
import { remove } from '../../data/remove.js'
import { restore } from '../../data/restore.js'
import type { Deps } from '../../deps.js'
import { deactivate, reactivate } from '../../images/activation.js'

/** What is done with one image: the story of the single call, and the status that the single call answers. */
export interface Action {
  status: 200 | 204
  run: (deps: Deps, caller: Caller, id: string) => Promise<unknown>
}

/** PATCH of one attribute. */
const set = (name: string, value: boolean): Action => ({
  status: 200,
  run: (deps, caller, id) =>
    patch(deps, caller, id, [{ op: 'replace', name, rest: [], value, legacy: false }]),
})

/** Actions by their names. */
export const actions = {
  delete: { status: 204, run: remove },
  restore: { status: 200, run: restore },
  destroy: { status: 204, run: destroy },
  protect: set('protected', true),
  unprotect: set('protected', false),
  deactivate: { status: 204, run: deactivate },
  reactivate: { status: 204, run: reactivate },
  hide: set('os_hidden', true),
  unhide: set('os_hidden', false),
} satisfies Record<string, Action>

export type ActionName = keyof typeof actions
