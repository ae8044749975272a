-- Searches no longer use the trigram index, which was half the price of a write. The old
-- programs find the same contacts without it, more slowly.

-- A migration is one transaction. Dropping an index takes a moment, but has to wait for
-- every open transaction that has read the table, and whoever comes later waits for it.
-- So it gives up after 0.3 s, lets the others go first, and tries again, for ten minutes.
-- squawk-ignore-file require-concurrent-index-deletion
DO $$
BEGIN
    FOR attempt IN 1..600 LOOP
        BEGIN
            SET LOCAL lock_timeout = '300ms';
            DROP INDEX IF EXISTS contacts.contacts_search;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.7);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE =
        'cannot lock contacts.contacts: a transaction is open for minutes; end it and migrate again';
END
$$;

-- Only the index used btree_gin. It stays where others use it, or where somebody else
-- created it. pg_trgm goes in a later version: the old programs use its operators.
DO $$
BEGIN
    DROP EXTENSION IF EXISTS btree_gin;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    RAISE NOTICE 'btree_gin stays: %', SQLERRM;
END
$$;
