import type { Feature } from '../../feature.js'
import { exportRoutes } from './routes.js'

/** Lists of images as files for spreadsheets: /v2/exports. */
export const exports: Feature = {
  name: 'exports',
  routes: exportRoutes,
  policies: {
    export_images: {
      check: 'rule:get_images',
      description: 'Download the list of images as a workbook or CSV.',
    },
  },
}
