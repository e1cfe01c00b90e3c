-- Download links: who has the secret of one may read the image's bytes for as long as its maker may. Of the secret
-- only a hash is kept. What is known of the maker is kept with the link, as his token is not.
create table image_links (
  id varchar(36) collate "C" primary key,
  image_id varchar(36) collate "C" not null references images on delete cascade,
  -- SHA-256 of the secret
  secret_hash bytea not null unique,
  -- name to save the bytes under; null: the image's
  filename varchar(255),
  -- the way in which the maker was told from others: ids of another way mean other people
  auth varchar(20) not null,
  user_id varchar(255) collate "C",
  user_domain_id varchar(255) collate "C",
  project_id varchar(255) collate "C",
  project_domain_id varchar(255) collate "C",
  is_admin_project boolean not null,
  -- whether roles and groups came with a federated token: the identity service can't be asked for them
  federated boolean not null,
  roles text[] not null,
  groups text[] not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  constraint image_links_secret check (octet_length(secret_hash) = 32),
  constraint image_links_day check (expires_at > created_at and expires_at <= created_at + interval '86400 seconds')
);
create index image_links_image on image_links (image_id, created_at desc, id desc);
create index image_links_expired on image_links (expires_at);

-- The links of a deleted image end for good, whoever deletes it and even if it is brought back.
create function forget_links() returns trigger language plpgsql as $$
begin
  delete from image_links where image_id = new.id;
  return null;
end $$;
create trigger images_forget_links after update of deleted_at on images
  for each row when (new.deleted_at is not null) execute function forget_links();
