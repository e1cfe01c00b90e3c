import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import { MethodNotAllowed, NotFound } from '../../errors.js'
import type { Feature } from '../../feature.js'
import { baseUrl } from '../../http/base-url.js'
import { pageLinks } from '../../http/pages.js'
import { queryOf } from '../../http/query.js'
import { taskRequestId } from '../../http/request-id.js'
import { schemaRoutes } from '../../http/schema-routes.js'
import { optional, pageQuery, text } from '../../http/schemas.js'
import { requireOn } from '../../images/access.js'
import { find } from '../../images/repository.js'
import { findTask } from '../../queue/tasks.js'
import { createTask, legacyRunner } from './legacy.js'
import { columns, list, listOfImage } from './repository.js'
import { imageTasksSchema, taskSchema, tasksSchema } from './schemas.js'
import { ofImage, stub, view } from './view.js'

const taskFilters = {
  type: { type: 'string', enum: ['import'], description: 'Type of the task.' },
  status: {
    type: 'string',
    enum: ['pending', 'processing', 'success', 'failure'],
    description: 'Status of the task.',
  },
  owner: text('Project that the task belongs to.'),
}

function routes(app: FastifyInstance, deps: Deps): void {
  schemaRoutes(app, { task: taskSchema, tasks: tasksSchema })
  const tags = ['tasks']
  const require = (caller: Parameters<typeof deps.policy.require>[0]) =>
    deps.policy.require(caller, 'tasks_api_access', {})
  const found = async (id: string) => {
    const task = id.length <= 36 && !id.includes('\0') ? await findTask(deps.db, id) : undefined
    if (!task) throw new NotFound(`Task not found with ID ${id.slice(0, 100)}`)
    return task
  }

  app.get<{ Params: { image_id: string } }>(
    '/images/:image_id/tasks',
    {
      config: { allow: false },
      schema: { tags, summary: 'List the tasks of an image', response: { 200: imageTasksSchema } },
    },
    async ({ caller, params }) => {
      const image = await find(deps, caller, params.image_id)
      requireOn(deps.policy, caller, 'get_image', image)
      const tasks = await listOfImage(deps.db, image.id, caller.is_admin ? undefined : caller.project_id)
      return { tasks: tasks.map(ofImage) }
    },
  )

  app.get(
    '/tasks',
    {
      config: { body: 'ignore' },
      schema: {
        tags,
        summary: 'List tasks',
        querystring: optional({ ...pageQuery(columns), ...taskFilters }),
        response: { 200: tasksSchema },
      },
    },
    async request => {
      require(request.caller)
      const query = queryOf(request)
      const { tasks, next } = await list(deps.db, query)
      return { tasks: tasks.map(stub), ...pageLinks('/v2/tasks', query, next), schema: '/v2/schemas/tasks' }
    },
  )

  app.post<{ Body: Record<string, unknown> }>(
    '/tasks',
    {
      config: { body: 'object' },
      schema: { tags, summary: 'Create a task', body: taskSchema, response: { 201: taskSchema } },
      // who may not is told so before the body is looked at
      preParsing: async request => require(request.caller),
    },
    async (request, reply) => {
      const task = await createTask(deps, request.caller, request.body, taskRequestId(request))
      return reply
        .code(201)
        .header('Location', `${baseUrl(deps, request)}/v2/tasks/${task.id}`)
        .send(view(task))
    },
  )

  app.get<{ Params: { task_id: string } }>(
    '/tasks/:task_id',
    {
      config: { body: 'ignore', allow: 'GET, DELETE' },
      schema: { tags, summary: 'Show a task', response: { 200: taskSchema } },
    },
    async ({ caller, params }) => {
      require(caller)
      return view(await found(params.task_id))
    },
  )

  // Glance has the route, and refuses it
  app.delete<{ Params: { task_id: string } }>(
    '/tasks/:task_id',
    { config: { body: 'ignore', allow: 'GET, DELETE' }, schema: { hide: true } },
    async ({ caller, params }) => {
      // a slash in an id ends it, for Glance, which has nothing below a task
      if (params.task_id.includes('/')) throw new NotFound('The resource could not be found.')
      require(caller)
      throw new MethodNotAllowed('Tasks can not be deleted; they go by themselves.', {
        headers: { allow: 'GET' },
      })
    },
  )
}

/** Tasks: what imports and other long work tell of themselves. */
export const tasks: Feature = { name: 'tasks', routes, tasks: { import: legacyRunner } }
