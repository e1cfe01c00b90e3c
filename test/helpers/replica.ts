import type { Test } from 'tap'
import type { Config } from '../../src/config/schema.js'
import { startApp, type TestApp } from './app.js'

/** A second server on the database and the stores of another, as behind a load balancer. */
export const startReplica = (
  t: Pick<Test, 'teardown'>,
  { deps, databaseUrl, folders }: TestApp,
  overrides: Partial<Config> = {},
): Promise<TestApp> =>
  startApp(t, { ...deps.config, ...overrides }, { wire: async () => databaseUrl }).then(app => ({
    ...app,
    databaseUrl,
    folders,
  }))
