import type { RuleDefault } from '../../policy/defaults.js'

/** Who may do what with deleted images: those who may delete. */
export const policies: Readonly<Record<string, RuleDefault>> = {
  get_recycle_bin: {
    check: 'rule:delete_image',
    description: 'See deleted images in the recycle bin; who fails it is told that there is no such image.',
  },
  restore_image: { check: 'rule:delete_image', description: 'Restore an image from the recycle bin.' },
  destroy_image: {
    check: 'rule:delete_image',
    description: 'Destroy images in the recycle bin before their time.',
  },
}
