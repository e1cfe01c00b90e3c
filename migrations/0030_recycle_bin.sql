-- The recycle bin: deleted images that can be had back. The image's row keeps all it has and is deleted for everybody
-- else (deleted_at); a row here is what makes it one that can be restored.
create table recycle_bin (
  image_id varchar(36) collate "C" primary key references images on delete cascade,
  -- as when it was deleted; neither can change in the bin
  owner varchar(255) collate "C",
  -- bytes of all its objects in stores of our own
  bytes bigint not null default 0,
  deleted_at timestamptz(3) not null,
  deleted_by varchar(255) collate "C",
  -- when it is destroyed at last, whatever becomes of the setting meanwhile
  expires_at timestamptz(3) not null
);
create index recycle_bin_owner_newest on recycle_bin (owner, deleted_at desc, image_id desc) include (bytes);
create index recycle_bin_expires on recycle_bin (expires_at);
