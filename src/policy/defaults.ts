/**
 * Glance's rules and their defaults ("secure RBAC": admin, member and reader of a project), each with what it guards.
 * The names and the meaning of the texts are Glance 33's; an operator's policy file written for Glance works here.
 */

/** A declared rule. */
export interface RuleDefault {
  /** The rule in oslo.policy's language. */
  readonly check: string
  /** What passing it permits: one sentence, for operators. */
  readonly description: string
  /** A building block of other rules and no operation: a system- or domain-scoped token does not fail it. */
  readonly helper?: true
}

const admin = 'rule:context_is_admin'
const service = 'rule:service_api'
const metadefAdmin = 'rule:metadef_admin'
const owner = 'project_id:%(project_id)s'
const member = `role:member and ${owner}`
const reader = `role:reader and ${owner}`
const recipient = 'project_id:%(member_id)s'
/** An image row that was found through a membership has visibility `shared`: the list of members is what guards it. */
const mayKnow = `(${owner} or ${recipient} or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s)`

const adminOrMember = `${admin} or (${member})`
const adminOrReader = `${admin} or (${reader})`
const adminOrMemberWhoKnows = `${admin} or (role:member and ${mayKnow})`
const adminOrReaderOrRecipient = `${admin} or (role:reader and (${owner} or ${recipient}))`
const adminOrNamespaceReader = `${admin} or (role:reader and (${owner} or 'public':%(visibility)s))`

/** Rules that are building blocks of the others. */
const helpers = {
  default: {
    check: '',
    description: 'Stands for rules that have no text of their own: everybody passes.',
    helper: true,
  },
  context_is_admin: {
    check: 'role:admin',
    description: 'Makes a caller an admin, who sees the images of all projects.',
    helper: true,
  },
  service_api: {
    check: 'role:service or role:admin',
    description: 'Calls that services such as Nova and Cinder make of each other.',
    helper: true,
  },
  metadef_default: { check: '', description: 'Building block for metadata definitions.', helper: true },
  metadef_admin: { check: admin, description: 'Changes metadata definitions.', helper: true },
} satisfies Record<string, RuleDefault>

const images = {
  add_image: {
    check: `${admin} or (${member} and project_id:%(owner)s)`,
    description: 'Create an image.',
  },
  get_image: {
    check: `${admin} or (role:reader and ${mayKnow})`,
    description: 'Show an image; who fails it is told that there is no such image.',
  },
  get_images: { check: adminOrReader, description: 'List images.' },
  modify_image: {
    check: adminOrMember,
    description: 'Change an image, its properties and tags; stage and import its data.',
  },
  delete_image: { check: adminOrMember, description: 'Delete an image.' },
  publicize_image: { check: admin, description: 'Make an image public.' },
  communitize_image: { check: adminOrMember, description: 'Make an image a community image.' },
  upload_image: { check: adminOrMember, description: "Upload an image's data." },
  download_image: { check: adminOrMemberWhoKnows, description: "Download an image's data." },
  download_from_store: {
    check: adminOrMemberWhoKnows,
    description: "Download an image's data from a store of the caller's choice.",
  },
  deactivate: { check: adminOrMember, description: 'Deactivate an image.' },
  reactivate: { check: adminOrMember, description: 'Reactivate an image.' },
  copy_image: { check: admin, description: "Copy an image's data to further stores." },
} satisfies Record<string, RuleDefault>

const locations = {
  get_image_location: { check: adminOrReader, description: "Learn the locations of an image's data." },
  set_image_location: { check: adminOrMember, description: 'Set locations with PATCH.' },
  delete_image_location: {
    check: admin,
    description: "Remove a location, or a store's copy of an image's data.",
  },
  add_image_location: {
    check: `${service} or (${member} and project_id:%(owner)s)`,
    description: 'Add a location to an image with POST.',
  },
  fetch_image_location: { check: service, description: 'List the locations of an image.' },
} satisfies Record<string, RuleDefault>

const members = {
  add_member: { check: adminOrMember, description: 'Share an image with a project.' },
  delete_member: { check: adminOrMember, description: 'End the sharing of an image with a project.' },
  get_member: { check: adminOrReaderOrRecipient, description: 'Show a member of an image.' },
  get_members: { check: adminOrReaderOrRecipient, description: 'List the members of an image.' },
  modify_member: {
    check: `${admin} or (role:member and ${recipient})`,
    description: 'Accept or reject an image that is shared with the own project.',
  },
} satisfies Record<string, RuleDefault>

const cache = {
  manage_image_cache: { check: admin, description: 'Manage the image cache.' },
  list_cached_nodes: { check: admin, description: 'List the nodes that have an image cached.' },
  cache_image: { check: admin, description: 'Queue an image for caching.' },
  cache_list: { check: admin, description: 'List cached and queued images.' },
  cache_delete: { check: admin, description: 'Remove images from the cache and its queue.' },
  cache_clean: { check: admin, description: 'Clean the cache of what is invalid or stalled.' },
  cache_prune: { check: admin, description: 'Prune the cache to its size.' },
} satisfies Record<string, RuleDefault>

const tasks = {
  tasks_api_access: { check: admin, description: 'Use the tasks API.' },
  get_task: { check: 'rule:default', description: 'Internal: show a task.' },
  get_tasks: { check: 'rule:default', description: 'Internal: list tasks.' },
  add_task: { check: 'rule:default', description: 'Internal: create a task.' },
  modify_task: { check: 'rule:default', description: 'Internal: change a task.' },
} satisfies Record<string, RuleDefault>

const info = {
  stores_info_detail: { check: `${admin} or ${service}`, description: 'Show the stores with their details.' },
} satisfies Record<string, RuleDefault>

const namespaceReads = {
  get_metadef_namespace: 'Show a metadata definition namespace; who fails it is told that there is none.',
  get_metadef_object: 'Show an object of a namespace.',
  get_metadef_objects: 'List the objects of a namespace.',
  list_metadef_resource_types: 'List the resource types.',
  get_metadef_resource_type: "List a namespace's resource type associations.",
  get_metadef_property: 'Show a property of a namespace.',
  get_metadef_properties: 'List the properties of a namespace.',
  get_metadef_tag: 'Show a tag of a namespace.',
  get_metadef_tags: 'List the tags of a namespace.',
}

const namespaceWrites = {
  add_metadef_namespace: 'Create a namespace.',
  modify_metadef_namespace: 'Change a namespace.',
  delete_metadef_namespace: 'Delete a namespace.',
  add_metadef_object: 'Create an object in a namespace.',
  modify_metadef_object: 'Change an object of a namespace.',
  delete_metadef_object: 'Delete an object of a namespace.',
  add_metadef_resource_type_association: 'Associate a resource type with a namespace.',
  remove_metadef_resource_type_association: "End a resource type's association with a namespace.",
  add_metadef_property: 'Create a property in a namespace.',
  modify_metadef_property: 'Change a property of a namespace.',
  remove_metadef_property: 'Delete a property of a namespace.',
  add_metadef_tag: 'Create a tag in a namespace.',
  add_metadef_tags: 'Create several tags in a namespace.',
  modify_metadef_tag: 'Change a tag of a namespace.',
  delete_metadef_tag: 'Delete a tag of a namespace.',
  delete_metadef_tags: 'Delete the tags of a namespace.',
}

const withCheck = (check: string, descriptions: Record<string, string>): Record<string, RuleDefault> =>
  Object.fromEntries(
    Object.entries(descriptions).map(([name, description]) => [name, { check, description }]),
  )

/** Glance's rules by name. Rules of operations that Glance lacks are declared by their features. */
export const glanceRules: Readonly<Record<string, RuleDefault>> = {
  ...helpers,
  ...images,
  ...locations,
  ...members,
  ...cache,
  ...tasks,
  ...info,
  get_metadef_namespaces: { check: adminOrReader, description: 'List namespaces.' },
  ...withCheck(adminOrNamespaceReader, namespaceReads),
  ...withCheck(metadefAdmin, namespaceWrites),
}
