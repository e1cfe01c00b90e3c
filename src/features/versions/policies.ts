import type { RuleDefault } from '../../policy/defaults.js'

export const policies: Readonly<Record<string, RuleDefault>> = {
  add_version: { check: 'rule:add_image', description: 'Add a version to an image.' },
  promote_version: {
    check: 'rule:add_image',
    description: 'Put a version in production, or the one before back.',
  },
}
