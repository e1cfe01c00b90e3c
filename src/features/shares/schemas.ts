import { Type } from '@sinclair/typebox'

// an enum, so that who sends another one is told of these
const kind = Type.Unsafe<'group' | 'domain'>({
  type: 'string',
  enum: ['group', 'domain'],
  description: 'With whom: the members of a user group, or every project of a domain.',
})

/** What a client says of a share. */
export const NewShare = Type.Object(
  {
    kind,
    target: Type.String({ minLength: 1, maxLength: 255, description: 'Id of the group or the domain.' }),
  },
  { additionalProperties: false },
)

/** A share as it is shown. */
export const ShareRecord = Type.Object({
  id: Type.String({ description: 'Id of the share.' }),
  image_id: Type.String({ description: 'Id of the image.' }),
  kind,
  target: Type.String({ description: 'Id of the group or the domain.' }),
  created_at: Type.String({ format: 'date-time', description: 'When the image was shared.' }),
  created_by: Type.Union([Type.String(), Type.Null()], { description: 'User who shared it.' }),
})

export const ShareList = Type.Object({
  shares: Type.Array(ShareRecord, { description: 'Shares in the order in which they were made.' }),
  next: Type.Optional(Type.String({ description: 'Address of the next page, where there is one.' })),
})
