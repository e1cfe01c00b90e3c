import { type Static, Type } from '@sinclair/typebox'
import { BadRequest } from '../../errors.js'
import { checker } from '../../http/validation.js'

const nullable = <T extends 'string' | 'integer'>(type: T, description: string) =>
  Type.Unsafe<(T extends 'string' ? string : number) | null>({ type: [type, 'null'], description })
const number = (description: string) => Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description })
const time = (description: string) => Type.String({ description: `${description} UTC, whole seconds.` })
const Comment = Type.String({ minLength: 1, maxLength: 1000, description: 'What is to be said of it.' })

/** POST …/versions. */
export const NewVersion = Type.Object(
  {
    comment: Comment,
    image_id: Type.Optional(
      Type.String({
        maxLength: 36,
        description:
          'An active image of the same owner that is to become the version; a queued copy is made when not said.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** PUT …/versions/production. */
export const Promote = Type.Object(
  { version: number('The version to put in production.'), comment: Type.Optional(Comment) },
  { additionalProperties: false },
)

/** One version. */
export const Version = Type.Object({
  version: number('Number within the lineage; never given twice.'),
  image_id: Type.String({ description: 'Id of the image that is this version.' }),
  comment: nullable('string', 'What its maker said; null for the first one.'),
  status: Type.String({ description: 'State of the image.' }),
  size: nullable('integer', 'Bytes.'),
  os_hash_value: nullable('string', 'Digest of the bytes, hex.'),
  production: Type.Boolean({ description: 'Whether it is the one in production.' }),
  created_at: time('When the image was created.'),
  created_by: nullable('string', 'Id of the user who created the image.'),
})

export const Versions = Type.Object({
  lineage: Type.String({ description: 'Id of the lineage.' }),
  name: nullable('string', 'Name of the version in production, or else of the newest.'),
  production: nullable('integer', 'Number of the version in production.'),
  versions: Type.Array(Version, { description: 'Those that the caller may see, the newest first.' }),
  next: Type.Optional(Type.String({ description: 'The next page.' })),
})

/** One change of what is in production. */
export const Promotion = Type.Object({
  id: Type.Integer({ description: 'Grows with time.' }),
  from: nullable('integer', 'Version that was in production; null when there was none.'),
  to: number('Version that was put in production.'),
  by: nullable('string', 'Id of the user.'),
  at: time('When.'),
  comment: nullable('string', 'What was said of it.'),
})

export const History = Type.Object({
  history: Type.Array(Promotion, { description: 'The newest first.' }),
  next: Type.Optional(Type.String({ description: 'The next page.' })),
})

export const Lineage = Type.Object({
  id: Type.String({ description: 'Id of the lineage.' }),
  name: nullable('string', 'Name of the version in production, or else of the newest.'),
  owner: nullable('string', 'Project that owns that version.'),
  production: nullable('integer', 'Number of the version in production.'),
  image_id: nullable('string', 'Id of the image in production.'),
  created_at: time('When the lineage began.'),
})

export const Lineages = Type.Object({
  lineages: Type.Array(Lineage, { description: 'The newest first.' }),
  next: Type.Optional(Type.String({ description: 'The next page.' })),
})

const checkNewVersion = checker(NewVersion)
const checkPromote = checker(Promote)

/** Throws BadRequest. */
export function newVersionOf(body: unknown): Static<typeof NewVersion> {
  checkNewVersion(body)
  return storable(body as Static<typeof NewVersion>)
}

/** Throws BadRequest. */
export function promoteOf(body: unknown): Static<typeof Promote> {
  checkPromote(body)
  return storable(body as Static<typeof Promote>)
}

function storable<T extends { comment?: string }>(body: T): T {
  if (body.comment !== undefined && (body.comment.trim() === '' || /\0|\p{Surrogate}/u.test(body.comment)))
    throw new BadRequest('comment must be text that says something.')
  return body
}
