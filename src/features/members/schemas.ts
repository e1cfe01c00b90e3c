/** The schema documents of an image's members. */

const UUID = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'

export const memberSchema = {
  name: 'member',
  properties: {
    member_id: { type: 'string', description: 'Project that the image is shared with.' },
    image_id: { type: 'string', description: 'Id of the image.', pattern: UUID },
    created_at: { type: 'string', description: 'When the image was shared.' },
    updated_at: { type: 'string', description: 'When the membership was last changed.' },
    status: {
      type: 'string',
      description: 'What the project answered.',
      enum: ['pending', 'accepted', 'rejected'],
    },
    schema: { readOnly: true, type: 'string' },
  },
}

export const membersSchema = {
  name: 'members',
  properties: { members: { type: 'array', items: memberSchema }, schema: { type: 'string' } },
  links: [{ rel: 'describedby', href: '{schema}' }],
}
