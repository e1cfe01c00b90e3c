import type { Feature } from '../../feature.js'
import { routes } from './routes.js'

/** What a machine made from an image gets when its maker does not say, and how many there may be. */
export const launchDefaults: Feature = {
  name: 'launch defaults',
  routes,
  policies: {
    get_launch_defaults: { check: 'rule:get_image', description: 'Show the launch defaults of an image.' },
    modify_launch_defaults: {
      check: 'rule:modify_image',
      description: 'Set the launch defaults of an image.',
    },
  },
}
