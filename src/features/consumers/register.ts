import type { Static } from '@sinclair/typebox'
import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { BadRequest, Conflict, NotFound, TooLarge } from '../../errors.js'
import { checker } from '../../http/validation.js'
import { imageTarget, noImage, requireOn } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import { find, findUnscoped } from '../../images/repository.js'
import { checkText } from '../../images/text.js'
import * as consumers from './repository.js'
import { Registration } from './schemas.js'

/**
 * Saying that something uses an image, and that it does so no longer. What registers takes the image's lock, as its
 * deletion does: an image with a consumer is not deleted, and no more register than its limit lets.
 */

const checkBody = checker(Registration)
const MAX_ID = 255
/** Consumers that an image may have at a time, whatever its launch defaults say. */
export const MAX_CONSUMERS = 100_000

/**
 * Registers a consumer, or again one that is there.
 *
 * @param body what the client sent
 * @returns `made` is false when it was there
 */
export async function register(
  deps: Deps,
  caller: Caller,
  imageId: string,
  consumerId: string,
  body: unknown,
): Promise<{ consumer: consumers.Consumer; made: boolean }> {
  const now = deps.now()
  checkId(consumerId)
  const facts = factsOf(body, now)
  requireOn(deps.policy, caller, 'add_consumer', await find(deps, caller, imageId))
  return deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, imageId, { project: caller.project_id, lock: true })
    if (!image) throw noImage(imageId)
    const wanted = {
      ...facts,
      image_id: imageId,
      consumer_id: consumerId,
      project_id: caller.project_id,
      created_by: caller.user_id,
    }
    const present = await consumers.find(tx, imageId, consumerId, now)
    if (present) {
      // ending another's use soon is as good as removing it
      requireRemovable(deps, caller, image, present)
      return { consumer: await consumers.renew(tx, wanted), made: false }
    }
    if (image.status !== 'active')
      throw new Conflict(`Image ${imageId} is ${image.status}; only an active one can be used.`)
    const limit = (await consumers.limitOf(tx, imageId)) ?? Number.POSITIVE_INFINITY
    if (await consumers.hasAsMany(tx, imageId, Math.min(limit, MAX_CONSUMERS), now)) {
      if (limit > MAX_CONSUMERS) throw new TooLarge(`An image may have at most ${MAX_CONSUMERS} consumers.`)
      throw new Conflict(`Image ${imageId} is used ${limit} times already, its max_concurrent_use.`)
    }
    return { consumer: await consumers.add(tx, wanted), made: true }
  })
}

/**
 * Removes a consumer. Who may do so may when the image is no longer for them to see, too: made private, it would be in
 * use for ever.
 */
export async function unregister(
  deps: Deps,
  caller: Caller,
  imageId: string,
  consumerId: string,
): Promise<void> {
  if (imageId.length > 36 || imageId.includes('\0')) throw noImage(imageId)
  const image = await findUnscoped(deps.db, imageId, { project: caller.project_id })
  const known = consumerId.length <= MAX_ID && !consumerId.includes('\0')
  const present = image && known && (await consumers.find(deps.db, imageId, consumerId, deps.now()))
  if (!present || !mayRemove(deps, caller, image, present)) {
    const seen = await find(deps, caller, imageId)
    requireOn(deps.policy, caller, 'get_consumers', seen)
    if (!present || !isShown(caller, present)) throw noConsumer(consumerId)
    requireRemovable(deps, caller, seen, present)
  }
  if (!(await consumers.remove(deps.db, imageId, consumerId))) throw noConsumer(consumerId)
}

/** Whether a caller is shown a consumer: its own project's, or any to an admin. */
export const isShown = (caller: Caller, consumer: consumers.Consumer) =>
  caller.is_admin || (caller.project_id !== null && consumer.project_id === caller.project_id)

const targetOf = (caller: Caller, image: Image, consumer: consumers.Consumer) => ({
  ...imageTarget(caller, image),
  consumer_created_by: consumer.created_by,
  consumer_project_id: consumer.project_id,
})

const mayRemove = (deps: Deps, caller: Caller, image: Image, consumer: consumers.Consumer) =>
  deps.policy.allows(caller, 'delete_consumer', targetOf(caller, image, consumer))

const requireRemovable = (deps: Deps, caller: Caller, image: Image, consumer: consumers.Consumer) =>
  deps.policy.require(caller, 'delete_consumer', targetOf(caller, image, consumer))

const noConsumer = (id: string) => new NotFound(`No consumer found with ID ${id.slice(0, 100)}`)

function checkId(id: string): void {
  if (id.length > MAX_ID) throw new BadRequest(`A consumer's id may have at most ${MAX_ID} characters.`)
  checkText(id, "A consumer's id")
}

/** ISO 8601 with date, time and zone: what every client's library writes. */
const moment = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/

/** The time that a text names; undefined when it names none that can be written in ISO 8601, or a day that is none. */
function momentOf(text: string): Date | undefined {
  const day = moment.exec(text)?.[1]
  const time = new Date(day === undefined ? Number.NaN : text)
  if (Number.isNaN(time.getTime()) || time.getUTCFullYear() > 9999) return undefined
  // Date takes February 30 for a day in March
  return new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) === day ? time : undefined
}

function factsOf(body: unknown, now: Date): Pick<consumers.Consumer, 'type' | 'name' | 'expires_at'> {
  checkBody(body)
  const { type, name = null, expires_at = null } = body as Static<typeof Registration>
  checkText(type, 'type')
  checkText(name ?? '', 'name')
  if (expires_at === null) return { type, name, expires_at }
  const time = momentOf(expires_at)
  if (!time) throw new BadRequest('expires_at must be a time with its zone, such as 2030-01-31T12:00:00Z.')
  if (time <= now) throw new BadRequest('expires_at must be a time to come.')
  return { type, name, expires_at: time }
}
