-- Work that goes on after its request: imports, copies, hashes of locations. The row is what Glance's tasks API
-- shows; the job queue only wakes the process that takes it.
create table tasks (
  id varchar(36) collate "C" primary key,
  type varchar(30) collate "C" not null,
  status varchar(30) collate "C" not null default 'pending',
  owner varchar(255) collate "C",
  image_id varchar(36) collate "C",
  request_id varchar(64),
  user_id varchar(64),
  input jsonb not null default '{}',
  result jsonb,
  message text not null default '',
  expires_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  deleted_at timestamptz(3),
  -- what the job needs and nobody may read, encrypted; removed when the task ends
  secret text,
  -- the run that holds the task, and its last sign of life: a task whose runner died is taken by another
  runner varchar(36),
  renewed_at timestamptz(3),
  constraint tasks_type check (type in ('import', 'api_image_import', 'location_import')),
  constraint tasks_status check (status in ('pending', 'processing', 'success', 'failure'))
);
create index tasks_image on tasks (image_id, created_at desc);
create index tasks_newest on tasks (created_at desc, id desc) where deleted_at is null;
create index tasks_running on tasks (renewed_at) where status in ('pending', 'processing');

-- Bytes that were staged and wait for their import; what was learnt while they came in is kept with them.
create table staged (
  image_id varchar(36) collate "C" primary key references images,
  store varchar(255) collate "C" not null,
  key varchar(255) collate "C" not null,
  size bigint not null,
  checksum varchar(32) not null,
  os_hash_algo varchar(64) not null,
  os_hash_value varchar(128) not null,
  facts jsonb not null,
  created_at timestamptz(3) not null default now(),
  foreign key (store, key) references blobs
);

-- A location is an object of our own (store and key), or a URL in a store that is only read.
alter table image_locations alter column key drop not null;
alter table image_locations add column url text;
alter table image_locations add constraint image_locations_place check ((key is null) <> (url is null));
