import type { Area } from '../exchange.js'
import { importRequests } from './import-requests.js'
import { importRuns } from './import-runs.js'

export const imports: Area = { name: 'import', web: true, scenarios: [...importRequests, ...importRuns] }
