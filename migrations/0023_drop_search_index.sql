-- Searches no longer use the trigram index, which was half the price of a write. The old
-- programs find the same contacts without it, more slowly.
-- A migration is one transaction; `migrate` limits how long it waits for the lock.
-- squawk-ignore-file require-concurrent-index-deletion
DROP INDEX IF EXISTS contacts.contacts_search;

-- Only the index used btree_gin. It stays where others use it, or where somebody else
-- created it. pg_trgm goes in a later version: the old programs use its operators.
DO $$
BEGIN
    DROP EXTENSION IF EXISTS btree_gin;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    RAISE NOTICE 'btree_gin stays: %', SQLERRM;
END
$$;
