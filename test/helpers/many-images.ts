import pg from 'pg'

/** Puts so many images into a migrated database, each with the properties and tags that images usually have. */
export async function exportable(databaseUrl: string, count: number): Promise<void> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    await client.query(
      `insert into images (id, name, owner, created_by, status, visibility, disk_format, container_format, size,
         virtual_size, checksum, os_hash_algo, os_hash_value, created_at)
       select gen_random_uuid(), 'image ' || n || ' of somebody', md5('owner' || n % 50), 'user', 'active', 'private',
         'qcow2', 'bare', n * 1000003::bigint, n * 3000003::bigint, md5(n::text), 'sha512', repeat(md5(n::text), 4),
         now() - n * interval '1 minute'
       from generate_series(1, $1::int) n`,
      [count],
    )
    await client.query(
      `insert into image_properties (image_id, name, value)
       select i.id, p.name, p.value from images i, (values
         ('architecture', 'x86_64'), ('hw_firmware_type', 'uefi'), ('os_type', 'linux'), ('os_distro', 'ubuntu'),
         ('os_version', '24.04'), ('hw_qemu_guest_agent', 'yes'), ('feature_cloud_init', 'yes'),
         ('hw_disk_bus', 'virtio'), ('description', repeat('made for a purpose ', 10))) p (name, value)`,
    )
    await client.query(
      `insert into image_tags (image_id, value) select id, t from images, unnest(array['lts', 'base']) t`,
    )
    await client.query('analyze')
  } finally {
    await client.end()
  }
}
