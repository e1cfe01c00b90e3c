import { type Static, Type } from '@sinclair/typebox'

/** Seconds that a link lasts at most, and when its maker says nothing. */
export const DAY = 86_400

export const NewLink = Type.Object(
  {
    expires_in: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: DAY,
        description: `Seconds for which the link works; ${DAY}, a day, when not said.`,
      }),
    ),
    filename: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: "Name to save the bytes under; made from the image's when not said.",
      }),
    ),
    direct: Type.Optional(
      Type.Boolean({
        description: 'A presigned URL of the object store itself. It can not be revoked; for admins.',
      }),
    ),
  },
  { additionalProperties: false },
)
export type NewLink = Static<typeof NewLink>

const id = Type.Union([Type.String(), Type.Null()], {
  description: 'Id of the link, to revoke it by; null for a direct one.',
})
const expires_at = Type.String({ format: 'date-time', description: 'When it ends by itself.' })

export const MadeLink = Type.Object({
  id,
  url: Type.String({ description: 'The link. It is shown this once.' }),
  expires_at,
})

export const LinkList = Type.Object({
  links: Type.Array(
    Type.Object({
      id: Type.String({ description: 'Id of the link, to revoke it by.' }),
      filename: Type.Union([Type.String(), Type.Null()], {
        description: "Name to save the bytes under; null: made from the image's.",
      }),
      user_id: Type.Union([Type.String(), Type.Null()], { description: 'Who made it.' }),
      project_id: Type.Union([Type.String(), Type.Null()], {
        description: 'Project for which it was made.',
      }),
      created_at: Type.String({ format: 'date-time', description: 'When it was made.' }),
      expires_at,
    }),
    { description: 'Live links, the newest first.' },
  ),
  next: Type.Optional(Type.String({ description: 'Path of the next page, when the page is full.' })),
})
