import { Type } from '@sinclair/typebox'

/** The schema documents of an image's members, and the request for many at once. */

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

/** Projects of one request at most. */
const MAX_BATCH = 1000

export const Batch = Type.Object(
  {
    members: Type.Array(Type.String({ description: 'Id of a project.' }), {
      maxItems: MAX_BATCH,
      description: 'Projects to share the image with; one that is named twice counts once.',
    }),
  },
  { additionalProperties: false },
)

export const BatchResults = Type.Object({
  results: Type.Array(
    Type.Object({
      member_id: Type.String({ description: 'Id of the project.' }),
      status: Type.Integer({ description: 'Status that the request for this project alone would have.' }),
      error: Type.Optional(Type.String({ description: 'Why it was refused.' })),
    }),
    { description: 'What became of each project, in the order of the request.' },
  ),
})
