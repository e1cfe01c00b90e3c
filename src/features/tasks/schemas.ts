/** The schema documents of tasks. */
const UUID = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'

const stub = {
  id: { description: 'Unique id of the task.', pattern: UUID, type: 'string' },
  type: {
    description: 'What kind of work it is.',
    enum: ['import', 'api_image_import', 'location_import'],
    type: 'string',
  },
  status: {
    description: 'How far it is.',
    enum: ['pending', 'processing', 'success', 'failure'],
    type: 'string',
  },
  owner: { description: 'Project that asked for it.', type: 'string' },
  expires_at: { description: 'When the record of an ended task goes.', type: ['null', 'string'] },
  created_at: { description: 'When it was asked for.', type: 'string' },
  updated_at: { description: 'When it last changed.', type: 'string' },
  image_id: { description: 'Image that it works on.', type: 'string' },
  request_id: { description: 'Id of the request that asked for it.', type: 'string' },
  user_id: { description: 'User that asked for it.', type: 'string' },
  self: { readOnly: true, type: 'string' },
  schema: { readOnly: true, type: 'string' },
}

export const taskSchema = {
  name: 'task',
  properties: {
    ...stub,
    input: { description: 'What was asked for.', type: ['null', 'object'] },
    result: { description: 'What came of it.', type: ['null', 'object'] },
    message: { description: 'How it goes, or why it failed.', type: 'string' },
  },
}

export const tasksSchema = {
  name: 'tasks',
  properties: {
    tasks: { type: 'array', items: { name: 'task', properties: stub } },
    schema: { type: 'string' },
  },
  links: [{ rel: 'describedby', href: '{schema}' }],
}

/** The tasks of one image: more of each than in the list of all, in Glance's spelling of times. */
export const imageTasksSchema = {
  type: 'object',
  properties: {
    tasks: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          ...taskSchema.properties,
          deleted: { type: 'boolean', description: 'Always false.' },
          deleted_at: { type: ['null', 'string'], description: 'Always null.' },
        },
      },
    },
  },
}
