import t from 'tap'
import { UnsupportedMedia } from '../../src/errors.js'
import { inspect, judge, judgeEarly } from '../../src/formats/index.js'
import { feed, feedWhole } from './feed.js'
import { unsafe } from './unsafe.js'

t.test('unsafe and lying images are refused, and the check is named', async t => {
  t.ok(unsafe.length >= 60, `${unsafe.length} images`)
  for (const { name, bytes, check, ...declared } of unsafe) {
    const image = bytes()
    try {
      judge(feedWhole(image), { ...declared, size: image.length })
      t.fail(`${name}: accepted`)
    } catch (error) {
      t.ok(error instanceof UnsupportedMedia, `${name}: 415`)
      t.match((error as Error).message, check, `${name}: names ${check}`)
    }
  }
})

t.test('where chunks are cut makes no difference', async t => {
  for (const { name, bytes } of unsafe) {
    const image = bytes()
    const whole = feedWhole(image)
    for (const sizes of [[image.length < 100_000 ? 3 : 333], [511], [65536], [1, 4096, 33]])
      t.same(feed(image, ...sizes), whole, `${name} in chunks of ${sizes}`)
  }
})

t.test('an early refusal is never one that the end would not confirm', async t => {
  let early = 0
  for (const { name, bytes, ...declared } of unsafe) {
    const image = bytes()
    const inspection = inspect()
    let seen = 0
    try {
      for (; seen < image.length; seen += 4096) {
        inspection.eat(image.subarray(seen, seen + 4096))
        judgeEarly(inspection, declared)
      }
    } catch (error) {
      t.ok(error instanceof UnsupportedMedia, name)
      early++
    }
    for (seen += 4096; seen < image.length; seen += 4096) inspection.eat(image.subarray(seen, seen + 4096))
    t.throws(() => judge(inspection.finish(), { ...declared, size: image.length }), UnsupportedMedia, name)
  }
  t.ok(early > unsafe.length / 2, `${early} of ${unsafe.length} are refused early`)
})

t.test('names are unique', async t => {
  t.equal(new Set(unsafe.map(({ name }) => name)).size, unsafe.length)
})
