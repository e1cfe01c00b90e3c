-- Who uses an image: while one has not expired, the image is not deleted. And what a machine made from it gets.
create table image_consumers (
  image_id varchar(36) collate "C" not null references images on delete cascade,
  -- what the consumer is called where it lives, such as a server's id
  consumer_id varchar(255) collate "C" not null,
  type varchar(255) collate "C" not null,
  name varchar(255) collate "C",
  -- project and user that registered it
  project_id varchar(255) collate "C",
  created_by varchar(255) collate "C",
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  expires_at timestamptz(3),
  primary key (image_id, consumer_id)
);
create index image_consumers_project on image_consumers (image_id, project_id, consumer_id);
create index image_consumers_expiring on image_consumers (expires_at) where expires_at is not null;

create table image_launch_defaults (
  image_id varchar(36) collate "C" primary key references images on delete cascade,
  cpu_cores integer,
  memory_mb integer,
  -- how many consumers an image may have at a time
  max_concurrent_use integer,
  updated_at timestamptz(3) not null default now(),
  constraint image_launch_defaults_cpu_cores check (cpu_cores > 0),
  constraint image_launch_defaults_memory_mb check (memory_mb > 0),
  constraint image_launch_defaults_max_concurrent_use check (max_concurrent_use > 0)
);
