-- Every object in a store has a row here from before its first byte until after its last: what the rows name and
-- what the stores hold can be held against each other, and a write whose process died is found and undone.
create table blobs (
  store varchar(255) collate "C" not null,
  key varchar(255) collate "C" not null,
  image_id varchar(36) collate "C" not null references images,
  -- writing: bytes are coming; stored: a location names it; doomed: to be removed
  state varchar(10) collate "C" not null default 'writing',
  size bigint,
  created_at timestamptz(3) not null default now(),
  -- renewed by the writing process; a write not renewed for long died with its process
  renewed_at timestamptz(3) not null default now(),
  primary key (store, key),
  constraint blobs_state check (state in ('writing', 'stored', 'doomed'))
);
create index blobs_image on blobs (image_id);
create index blobs_unsettled on blobs (renewed_at) where state <> 'stored';

-- Where an image's bytes are. An own object is named by store and key, never by a URL: no credential and no
-- endpoint is kept in a row, so that either may change.
create table image_locations (
  id bigint generated always as identity primary key,
  image_id varchar(36) collate "C" not null references images on delete cascade,
  store varchar(255) collate "C" not null,
  key varchar(255) collate "C" not null,
  metadata jsonb not null default '{}',
  created_at timestamptz(3) not null default now(),
  foreign key (store, key) references blobs
);
create index image_locations_image on image_locations (image_id);
create unique index image_locations_blob on image_locations (store, key);
