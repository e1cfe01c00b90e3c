import type { Config } from '../config/schema.js'

/**
 * The JSON Schema of an image, as clients read it at /v2/schemas/image: Nova, Cinder and Horizon take the formats
 * from its enums, glanceclient builds its model from it.
 */

const UUID = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'

export type Formats = Pick<Config, 'disk_formats' | 'container_formats'>

/** One location, as PATCH takes it and images show it. */
export const locationSchema = {
  type: 'object',
  properties: {
    url: { type: 'string', maxLength: 255 },
    metadata: { type: 'object' },
    validation_data: {
      description: 'Hashes of the bytes at the URL, which are taken over while the image is queued.',
      type: 'object',
      writeOnly: true,
      additionalProperties: false,
      properties: {
        checksum: { type: 'string', minLength: 32, maxLength: 32 },
        os_hash_algo: { type: 'string', maxLength: 64 },
        os_hash_value: { type: 'string', maxLength: 128 },
      },
      required: ['os_hash_algo', 'os_hash_value'],
    },
  },
  required: ['url', 'metadata'],
}

/** The attributes that every image has. */
export function baseProperties(formats: Formats): Record<string, object> {
  return {
    id: { type: 'string', description: 'Unique id of the image.', pattern: UUID },
    name: { type: ['null', 'string'], description: 'Name for people; not unique.', maxLength: 255 },
    status: {
      type: 'string',
      readOnly: true,
      description: 'State of the image and its bytes.',
      enum: [
        'queued',
        'saving',
        'active',
        'killed',
        'deleted',
        'uploading',
        'importing',
        'pending_delete',
        'deactivated',
      ],
    },
    visibility: {
      type: 'string',
      description: 'Who may use the image.',
      enum: ['community', 'public', 'private', 'shared'],
    },
    protected: { type: 'boolean', description: 'Whether deleting the image is refused.' },
    os_hidden: { type: 'boolean', description: 'Whether default lists leave the image out.' },
    checksum: {
      type: ['null', 'string'],
      readOnly: true,
      description: 'MD5 of the bytes, hex.',
      maxLength: 32,
    },
    os_hash_algo: {
      type: ['null', 'string'],
      readOnly: true,
      description: 'Algorithm of os_hash_value.',
      maxLength: 64,
    },
    os_hash_value: {
      type: ['null', 'string'],
      readOnly: true,
      description: 'Digest of the bytes by os_hash_algo, hex.',
      maxLength: 128,
    },
    owner: { type: ['null', 'string'], description: 'Project that owns the image.', maxLength: 255 },
    size: { type: ['null', 'integer'], readOnly: true, description: 'Bytes of the image file.' },
    virtual_size: { type: ['null', 'integer'], readOnly: true, description: 'Bytes of the virtual disk.' },
    container_format: {
      type: ['null', 'string'],
      description: 'Format of what surrounds the disk.',
      enum: [null, ...formats.container_formats],
    },
    disk_format: {
      type: ['null', 'string'],
      description: 'Format of the disk.',
      enum: [null, ...formats.disk_formats],
    },
    created_at: { type: 'string', readOnly: true, description: 'When the image was created.' },
    updated_at: { type: 'string', readOnly: true, description: 'When the image was last changed.' },
    tags: {
      type: 'array',
      description: 'Words to find the image by.',
      items: { type: 'string', maxLength: 255 },
    },
    direct_url: { type: 'string', readOnly: true, description: 'Where the bytes are, when shown.' },
    min_ram: { type: 'integer', description: 'MB of memory that the image needs.' },
    min_disk: { type: 'integer', description: 'GB of disk that the image needs.' },
    self: { type: 'string', readOnly: true, description: 'Path of the image.' },
    file: { type: 'string', readOnly: true, description: 'Path of its bytes.' },
    stores: { type: 'string', readOnly: true, description: 'Stores that hold the bytes, with commas.' },
    schema: { type: 'string', readOnly: true, description: 'Path of this schema.' },
    locations: {
      type: 'array',
      items: locationSchema,
      description: 'Where the bytes are, with what is known of each place.',
    },
  }
}

/** The schema document of one image. */
export function imageSchema(formats: Formats) {
  return {
    name: 'image',
    properties: baseProperties(formats),
    additionalProperties: { type: 'string' },
    links: [
      { rel: 'self', href: '{self}' },
      { rel: 'enclosure', href: '{file}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  }
}

/** The schema document of a list of images. */
export function imagesSchema(formats: Formats) {
  return {
    name: 'images',
    properties: {
      images: { type: 'array', items: imageSchema(formats) },
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  }
}
