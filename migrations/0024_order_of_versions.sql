-- Lists by `update_time` are sorted by version: versions follow the order of writes, and the
-- feed needs their index anyway.

-- A migration is one transaction. The lock is held for milliseconds, but while it waits for
-- a long read all others wait for it.
-- squawk-ignore-file require-concurrent-index-deletion
SET LOCAL lock_timeout = '1s';

DROP INDEX contacts.contacts_update_time;
