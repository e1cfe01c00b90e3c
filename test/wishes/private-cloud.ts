import { aboutRecords } from './private-cloud-records.js'
import { aboutTransfers } from './private-cloud-transfers.js'
import type { Source } from './wish.js'

export const privateCloud: Source = {
  name: 'private cloud',
  title: 'Private cloud user guide, “Image Management”',
  wishes: [...aboutRecords, ...aboutTransfers],
}
