-- Sharing an image with a group of users, or with all projects of a domain, beside sharing with single projects.
create table image_shares (
  id varchar(36) collate "C" primary key,
  image_id varchar(36) collate "C" not null references images on delete cascade,
  kind varchar(10) collate "C" not null,
  -- id of the group or the domain
  target varchar(255) collate "C" not null,
  created_at timestamptz(3) not null default now(),
  created_by varchar(255) collate "C",
  unique (image_id, kind, target),
  constraint image_shares_kind check (kind in ('group', 'domain'))
);
create index image_shares_target on image_shares (kind, target, image_id);
