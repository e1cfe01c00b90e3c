-- Images of a project that are deleted and not destroyed.
create index images_deleted_newest on images (owner, created_at desc, id desc)
  where deleted_at is not null and status <> 'deleted';
