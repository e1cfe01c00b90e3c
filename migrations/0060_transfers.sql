-- What brings bytes to an image, now or last: how far it is, and how it failed. Ending the row ends the work, in
-- whichever process it runs; each looks here twice a second. An ordinary table, not an unlogged one: after a crash of
-- the database the transfers that outlived it are still wanted, and failures still have their reason. The running
-- process writes once a second, in place: no column that changes then is in an index.
create table transfers (
  image_id varchar(36) collate "C" primary key references images,
  -- of the task, or of the upload
  id varchar(36) collate "C" not null,
  -- upload: by a request; import: by a task; hash: a task reads what is the image's already
  kind varchar(10) collate "C" not null,
  task_id varchar(36) collate "C",
  bytes_done bigint not null default 0,
  bytes_total bigint,
  bytes_per_second bigint,
  started_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  ended_at timestamptz(3),
  -- why it failed: a word for programs, and a sentence
  code varchar(40) collate "C",
  message text,
  constraint transfers_kind check (kind in ('upload', 'import', 'hash')),
  constraint transfers_failure check ((code is null) = (message is null) and (code is null or ended_at is not null))
) with (fillfactor = 50);
create index transfers_failed on transfers (image_id) where code is not null;
