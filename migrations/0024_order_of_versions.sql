-- Lists by `update_time` are sorted by version: versions follow the order of writes, and the
-- feed needs their index anyway.
-- A migration is one transaction; `migrate` limits how long it waits for the lock.
-- squawk-ignore-file require-concurrent-index-deletion
DROP INDEX contacts.contacts_update_time;
