import { type TSchema, Type } from '@sinclair/typebox'
import { phaseNames, phases } from './phase.js'

const Time = (description: string) => Type.String({ format: 'date-time', description })
const OrNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })

export const PhaseName = Type.Union(
  phaseNames.map(name => Type.Literal(name)),
  {
    description: Object.entries(phases)
      .map(([name, text]) => `\`${name}\`: ${text}`)
      .join('; '),
  },
)

const properties = {
  phase: PhaseName,
  bytes_done: OrNull(
    Type.Integer(),
    'Bytes that have come; for several stores those that each of them got, one after the other.',
  ),
  bytes_total: OrNull(Type.Integer(), 'Bytes that will have come in the end; null while nobody knows.'),
  percent: OrNull(Type.Integer({ minimum: 0, maximum: 100 }), 'Whole percent; null while nobody knows.'),
  bytes_per_second: OrNull(Type.Integer(), 'Speed over the last seconds, while bytes come.'),
  started_at: OrNull(Time('A time.'), 'When the transfer began; null when there was none.'),
  updated_at: Time('When the transfer told this; the second, while it runs.'),
  error: OrNull(
    Type.Object({
      code: Type.String({ description: 'Why it failed, for programs; the words are in docs/errors.md.' }),
      message: Type.String({ description: 'The same in a sentence.' }),
    }),
    'What failed last, until something else begins.',
  ),
}

/** How far an image is. */
export const Progress = Type.Object(properties)

export const ProgressList = Type.Object({
  progress: Type.Array(Type.Object({ id: Type.String({ description: 'Id of the image.' }), ...properties }), {
    description: "The images of the caller's project, the newest first.",
  }),
  next: Type.Optional(Type.String({ description: 'Address of the next page, where there is one.' })),
})
