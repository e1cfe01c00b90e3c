import { type Fact, facts } from '../../images/facts.js'
import { systems } from '../../images/systems.js'

/**
 * Vitrine's own metadata definitions, as requests that create namespaces: what the properties of guests can be. The same
 * values that `strict_properties` allows.
 */
export function ownNamespaces(): Record<string, unknown>[] {
  return [
    namespace(
      'Vitrine::Guest',
      'Guest system',
      'What is in an image: its system, processor, firmware and features.',
      {
        properties: {
          ...Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, choice(fact)])),
          os_version: { title: 'Version', description: 'Version of the system.', type: 'string' },
        },
      },
    ),
    namespace(
      'Vitrine::Systems',
      'Systems and their versions',
      'The versions that are known of each system.',
      {
        objects: Object.entries(systems).map(([name, { title, os_type, versions }]) => ({
          name,
          description: title,
          properties: {
            os_type: choice({ title: 'Kind of system', description: title, values: [os_type] }),
            os_distro: choice({ title: 'System', description: title, values: [name] }),
            os_version: choice({ title: 'Version', description: `Version of ${title}.`, values: versions }),
          },
        })),
      },
    ),
  ]
}

function namespace(
  name: string,
  display_name: string,
  description: string,
  content: object,
): Record<string, unknown> {
  return {
    namespace: name,
    display_name,
    description,
    visibility: 'public',
    protected: true,
    resource_type_associations: [
      { name: 'OS::Glance::Image' },
      { name: 'OS::Cinder::Volume', properties_target: 'image' },
    ],
    ...content,
  }
}

const choice = ({ title, description, values }: Fact) => ({
  title,
  description,
  type: 'string',
  enum: [...values],
})
