-- A task that waits for its project's turn is woken when another of the project's ends.
alter table tasks add column waiting boolean not null default false;
create index tasks_unfinished on tasks (owner, created_at) where status in ('pending', 'processing');
-- What takes back what a task has changed of its image, when it fails or is cancelled: columns, properties, removed.
alter table tasks add column undo jsonb;
