-- No program uses trigrams any more: those of the version before do not, either. The
-- extension stays where others use it, or where somebody else created it.
DO $$
BEGIN
    DROP EXTENSION IF EXISTS pg_trgm;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    RAISE NOTICE 'pg_trgm stays: %', SQLERRM;
END
$$;
