import { checker } from '../../http/validation.js'
import { type ActionName, actions } from './actions.js'

/** Images of one request at most. */
export const MAX_IMAGES = 1000

export const batchSchema = {
  type: 'object',
  required: ['action', 'images'],
  additionalProperties: false,
  properties: {
    action: {
      type: 'string',
      enum: Object.keys(actions),
      description: 'What is done with each: `restore` and `destroy` are for images in the recycle bin.',
    },
    images: {
      type: 'array',
      maxItems: MAX_IMAGES,
      items: { type: 'string', maxLength: 255 },
      description: 'Ids of images; one that is named twice counts once.',
    },
  },
}

export const resultsSchema = {
  type: 'object',
  description: 'What became of each image, in the order of the request.',
  required: ['results'],
  properties: {
    results: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'status'],
        properties: {
          id: { type: 'string', description: 'Id of the image.' },
          status: {
            type: 'integer',
            description: 'Status that the request for this image alone would have.',
          },
          error: { type: 'string', description: 'Why it was refused.' },
        },
      },
    },
  },
}

/** The body of a request, when it is one. Throws BadRequest. */
export const checkBatch: (body: unknown) => asserts body is { action: ActionName; images: string[] } =
  checker(batchSchema)
