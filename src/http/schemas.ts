/** Pieces of route schemas that say the same for many routes. They document; what is checked, the stories check. */

/** An answer without a body. */
export const done = { 204: { type: 'null', description: 'Done' } }

/** Raw bytes. */
export const octets = { type: 'string', format: 'binary' } as const

/** A parameter that is text. */
export const text = (description: string) => ({ type: 'string', description })

/** Parameters of a query or headers of a request, none of them required. */
export const optional = (properties: Record<string, object>) => ({ type: 'object', properties })

/** A page of a list: how many rows, after which one, in which order. */
export const pageQuery = (sortKeys: readonly string[]) => ({
  limit: { type: 'integer', minimum: 0, description: 'Rows of the page: 25 when not said, 1000 at most.' },
  marker: text('The last row of the page before: its id, or its name where rows have no id.'),
  sort_key: {
    type: 'string',
    enum: [...sortKeys],
    description: 'What to sort by; `created_at` when not said.',
  },
  sort_dir: { type: 'string', enum: ['asc', 'desc'], description: 'Direction; `desc` when not said.' },
})
