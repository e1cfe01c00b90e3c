import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { parseStores } from '../../src/stores/index.js'
import { openS3Store, type S3Settings, type S3Tuning } from '../../src/stores/s3.js'
import { type Fate, openFaultyProxy, type Passing } from './faulty-proxy.js'
import type { S3Service } from './minio.js'

const MiB = 2 ** 20

/** Parts as small as S3 lets them be, and every step of their growth within 60 MiB; little patience. */
export const tiny: S3Tuning = {
  cut: { smallPart: 5 * MiB, smallParts: 2, bigPart: 6 * MiB, directParts: 3, segmentParts: 2 },
  patience: { connect: 2, idle: 2, thinking: 20, repeat: 0.02 },
}

/** The settings that a URL of VITRINE_STORES stands for. */
export function settingsOf(url: string): S3Settings {
  return parseStores([`s3=${url}`], '/')[0]!.settings as S3Settings
}

export const newBucket = () => `vitrine-${randomBytes(6).toString('hex')}`

/** Opens stores of one service. */
export function storesOf(s3: S3Service) {
  /** A store in a bucket of its own. */
  const openStore = async (tuning: S3Tuning = {}, parameters = '', bucket = newBucket()) => {
    const store = await openS3Store('s3', settingsOf(s3.url(`${bucket}/a/b`, parameters)), tuning)
    await store.check()
    return store
  }

  /** A store whose requests go through a proxy that fails as told, and the same store without it. */
  const openFaulty = async (t: Test, decide: (passing: Passing) => Fate, tuning: S3Tuning = tiny) => {
    const bucket = newBucket()
    const direct = await openStore(tiny, '', bucket)
    const proxy = await openFaultyProxy(s3, decide)
    const url = s3.url(`${bucket}/a/b`).replace(`:${s3.port}/`, `:${proxy.port}/`)
    const store = await openS3Store('s3', settingsOf(url), tuning)
    t.teardown(async () => {
      await store.close?.()
      await proxy.close()
      await direct.close?.()
    })
    return { store, direct, proxy }
  }

  const leftovers = async () => (await s3.openUploads?.()) ?? []

  return { openStore, openFaulty, leftovers }
}
