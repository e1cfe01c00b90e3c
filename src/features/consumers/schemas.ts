import { type TSchema, Type } from '@sinclair/typebox'

const Time = (description: string) => Type.String({ format: 'date-time', description })
const OrNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })

/** What a client says of a consumer. */
export const Registration = Type.Object(
  {
    type: Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'What uses the image, in a word such as `server` or `volume`.',
    }),
    name: Type.Optional(OrNull(Type.String({ maxLength: 255 }), 'What people call it.')),
    expires_at: Type.Optional(
      OrNull(
        Time('A time to come, in ISO 8601 with its zone.'),
        'When the use ends by itself; never when not said.',
      ),
    ),
  },
  { additionalProperties: false },
)

/** A consumer as it is shown. */
export const ConsumerRecord = Type.Object({
  id: Type.String({ description: 'What it is registered as, unique for the image.' }),
  image_id: Type.String({ description: 'Id of the image.' }),
  type: Type.String({ description: 'What uses the image.' }),
  name: OrNull(Type.String(), 'What people call it.'),
  project_id: OrNull(Type.String(), 'Project in whose name it was registered.'),
  created_by: OrNull(Type.String(), 'User who registered it.'),
  created_at: Time('When it was registered.'),
  updated_at: Time('When it was last registered again.'),
  expires_at: OrNull(Time('A time.'), 'When the use ends by itself.'),
})

export const ConsumerList = Type.Object({
  consumers: Type.Array(ConsumerRecord, {
    description: "The consumers of the caller's own project, all of them for an admin, ordered by id.",
  }),
  others: Type.Integer({ description: 'How many consumers of other projects there are beside them.' }),
  next: Type.Optional(Type.String({ description: 'Address of the next page, where there is one.' })),
})
