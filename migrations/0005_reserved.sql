-- Bytes that a running write was announced with count against its project's limit from its beginning, so that
-- uploads at once can not pass it together.
alter table blobs add column reserved bigint not null default 0;
alter table blobs add column project varchar(255) collate "C";
create index blobs_project_writing on blobs (project) where state = 'writing';
