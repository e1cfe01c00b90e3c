-- Metadata definitions: catalogues of the properties that images, volumes, flavors and servers may have. Rows are
-- deleted for good. A row that was loaded from a file and never changed has no updated_at.
create table metadef_namespaces (
  id bigint generated always as identity primary key,
  namespace varchar(80) collate "C" not null unique,
  display_name varchar(80) collate "C",
  description text collate "C",
  visibility varchar(32) collate "C" not null default 'private',
  protected boolean not null default false,
  owner varchar(255) collate "C" not null,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) default now(),
  constraint metadef_namespaces_visibility check (visibility in ('public', 'private'))
);
create index metadef_namespaces_newest on metadef_namespaces (created_at desc, id desc);
create index metadef_namespaces_owner on metadef_namespaces (owner);

-- json, not jsonb: a definition is given back with its properties in the order in which they came
create table metadef_objects (
  id bigint generated always as identity primary key,
  namespace_id bigint not null references metadef_namespaces on delete cascade,
  name varchar(80) collate "C" not null,
  description text collate "C",
  -- names of properties; a JSON array, as a name may contain anything
  required json not null default '[]',
  properties json not null default '{}',
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) default now(),
  unique (namespace_id, name)
);

create table metadef_properties (
  id bigint generated always as identity primary key,
  namespace_id bigint not null references metadef_namespaces on delete cascade,
  name varchar(80) collate "C" not null,
  definition json not null,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) default now(),
  unique (namespace_id, name)
);

create table metadef_tags (
  id bigint generated always as identity primary key,
  namespace_id bigint not null references metadef_namespaces on delete cascade,
  name varchar(80) collate "C" not null,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) default now(),
  unique (namespace_id, name)
);

-- made by the first association that names the type, and kept when the last one goes
create table metadef_resource_types (
  id bigint generated always as identity primary key,
  name varchar(80) collate "C" not null unique,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) default now()
);

create table metadef_associations (
  id bigint generated always as identity primary key,
  namespace_id bigint not null references metadef_namespaces on delete cascade,
  resource_type_id bigint not null references metadef_resource_types,
  prefix varchar(80) collate "C",
  properties_target varchar(80) collate "C",
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) default now(),
  unique (namespace_id, resource_type_id)
);
create index metadef_associations_resource_type on metadef_associations (resource_type_id);
