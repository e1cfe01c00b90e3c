import t from 'tap'
import { openPieces, PIECE } from '../../src/stores/pieces.js'

const never = new AbortController().signal
const take = (share: ReturnType<ReturnType<typeof openPieces>['share']>, count: number) =>
  Promise.all(Array.from({ length: count }, () => share.take(never)))

t.test('everybody gets the reserve, whatever the others hold', async t => {
  const pieces = openPieces(3)
  const greedy = pieces.share(2)
  const held = await take(greedy, 5)
  t.equal(held[0]!.length, PIECE)
  const other = pieces.share(2)
  await take(other, 2)
  let more = false
  const waiting = other.take(never).then(() => {
    more = true
  })
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(more, 'beyond it one waits')
  greedy.give(held.splice(0, 1))
  await waiting
  t.ok(more)
})

t.test('what is forgotten counts as given back', async t => {
  const pieces = openPieces(1)
  const share = pieces.share(1)
  share.forget(await take(share, 2))
  t.equal((await take(share, 2)).length, 2)
})

t.test('a signal ends the waiting, and no piece is lost by it', async t => {
  const pieces = openPieces(0)
  const share = pieces.share(1)
  const held = await take(share, 1)
  const control = new AbortController()
  const waiting = share.take(control.signal)
  control.abort(new Error('enough'))
  await t.rejects(waiting, { message: 'enough' })
  share.give(held)
  t.equal((await take(share, 1)).length, 1)
})
