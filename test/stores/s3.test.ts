import { randomBytes } from 'node:crypto'
import t from 'tap'
import { parseStores } from '../../src/stores/index.js'
import { openS3Store, type S3Settings, type S3Tuning } from '../../src/stores/s3.js'
import { missingS3, openS3 } from '../helpers/minio.js'
import { testStore } from './conformance.js'

const skip = missingS3()
if (skip) {
  t.comment(skip)
  t.pass('skipped', { skip })
  process.exit(0)
}
const s3 = await openS3()
t.teardown(() => s3.stop())

async function openStore(parameters = '', tuning: S3Tuning = {}) {
  const bucket = `vitrine-${randomBytes(6).toString('hex')}`
  const url = s3.url(`${bucket}/a/b`, parameters)
  const [settings] = parseStores([`s3=${url}`], '/')
  const store = await openS3Store('s3', settings!.settings as S3Settings, tuning)
  await store.check()
  return store
}

testStore('A store in a bucket', async () => {
  const store = await openStore()
  return { store, leftovers: async () => (await s3.openUploads?.()) ?? [], close: () => store.close?.() }
})
