import { Transform } from 'node:stream'
import { TooLarge } from '../errors.js'

/** Passes bytes on and fails with TooLarge as soon as there are more than `most`. */
export function limit(most: number): Transform {
  let passed = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length
      if (passed > most) done(new TooLarge(`The data has more than the ${most} bytes that are allowed.`))
      else done(null, chunk)
    },
  })
}
