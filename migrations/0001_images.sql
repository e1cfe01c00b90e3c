-- The image record. Columns carry Glance's names; text sorts byte-wise ("C") so that every database gives the
-- same order; times hold whole milliseconds so that a page marker survives the way through JavaScript.
create table images (
  id varchar(36) collate "C" primary key,
  name varchar(255) collate "C",
  status varchar(30) collate "C" not null default 'queued',
  visibility varchar(30) collate "C" not null default 'shared',
  protected boolean not null default false,
  os_hidden boolean not null default false,
  owner varchar(255) collate "C",
  disk_format varchar(20) collate "C",
  container_format varchar(20) collate "C",
  min_disk integer not null default 0,
  min_ram integer not null default 0,
  size bigint,
  virtual_size bigint,
  checksum varchar(32),
  os_hash_algo varchar(64),
  os_hash_value varchar(128),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  -- a row outlives its image: a used id is never used again
  deleted_at timestamptz(3),
  -- policy targets that are not shown: the maker and the owner's domain
  created_by varchar(255) collate "C",
  owner_domain varchar(255) collate "C",
  constraint images_status check (status in
    ('queued', 'saving', 'uploading', 'importing', 'active', 'deactivated', 'killed', 'pending_delete', 'deleted')),
  constraint images_visibility check (visibility in ('public', 'private', 'shared', 'community'))
);
create index images_newest on images (created_at desc, id desc) where deleted_at is null;
create index images_owner_newest on images (owner, created_at desc, id desc) where deleted_at is null;
create index images_visibility_newest on images (visibility, created_at desc, id desc) where deleted_at is null;
create index images_name on images (name) where deleted_at is null;

create table image_properties (
  image_id varchar(36) collate "C" not null references images on delete cascade,
  name varchar(255) collate "C" not null,
  value text collate "C" not null,
  primary key (image_id, name)
);
-- values have no limit of length, index entries have: the beginning is enough to find few
create index image_properties_value on image_properties (name, left(value, 100), image_id);

create table image_tags (
  image_id varchar(36) collate "C" not null references images on delete cascade,
  value varchar(255) collate "C" not null,
  primary key (image_id, value)
);
create index image_tags_value on image_tags (value, image_id);

create table image_members (
  image_id varchar(36) collate "C" not null references images on delete cascade,
  member varchar(255) collate "C" not null,
  status varchar(20) collate "C" not null default 'pending',
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (image_id, member),
  constraint image_members_status check (status in ('pending', 'accepted', 'rejected'))
);
create index image_members_member on image_members (member, image_id);
