-- The services' roles. Run by `migrate` each time, before the numbered files, which give
-- them rights: roles belong to the whole server, and are in no dump of the database.
DO $$
DECLARE
    service text;
BEGIN
    FOREACH service IN ARRAY ARRAY['auth_service', 'contacts_service'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT
                                NOBYPASSRLS', service);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                -- That of another database of the server was faster.
                NULL;
            END;
        ELSIF EXISTS (
            SELECT FROM pg_roles
            WHERE rolname = service
              AND (NOT rolcanlogin OR rolsuper OR rolcreatedb OR rolcreaterole OR rolinherit
                   OR rolbypassrls)
        ) THEN
            EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT
                            NOBYPASSRLS', service);
        END IF;
    END LOOP;
END $$;
