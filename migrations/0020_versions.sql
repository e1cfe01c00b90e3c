-- Versions: images that are editions of one thing are tied by a lineage, and at most one of them is in production.
create table lineages (
  id varchar(36) collate "C" primary key,
  -- a number is given once, also when its image is gone
  last_version integer not null default 0,
  created_at timestamptz(3) not null default now(),
  created_by varchar(255) collate "C"
);
create index lineages_newest on lineages (created_at desc, id desc);

alter table images
  add column lineage varchar(36) collate "C" references lineages,
  add column version integer,
  add column version_comment varchar(1000),
  add column production boolean not null default false,
  -- whether it is or ever was in production
  add column promoted boolean not null default false,
  add constraint images_version check ((lineage is null) = (version is null)),
  add constraint images_production check (not production or
    (lineage is not null and promoted and deleted_at is null and status in ('active', 'deactivated')));
create unique index images_lineage_version on images (lineage, version) where lineage is not null;
create unique index images_lineage_production on images (lineage) where production;

-- What was in production when, never changed.
create table promotions (
  id bigint generated always as identity primary key,
  lineage varchar(36) collate "C" not null references lineages,
  from_version integer,
  to_version integer not null,
  promoted_by varchar(255) collate "C",
  promoted_at timestamptz(3) not null default now(),
  comment varchar(1000),
  -- the promotion that a rollback goes back to: the one before, and for a rollback the one before what it put back
  below bigint references promotions
);
create index promotions_lineage on promotions (lineage, id);

-- the new columns without statistics would mislead the plans of lists
analyze images;
