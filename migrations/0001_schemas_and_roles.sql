-- A schema and a role for each service. Neither role can look into the other's
-- schema; both may read which migrations ran.
CREATE SCHEMA auth;
CREATE SCHEMA contacts;

-- Roles belong to the whole server: another database may have made them.
DO $$ BEGIN
    CREATE ROLE auth_service LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
    CREATE ROLE contacts_service LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

-- Nothing that a service has no use for: no tables of its own, temporary ones
-- included.
DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO auth_service, contacts_service;
GRANT SELECT ON TABLE public._sqlx_migrations TO auth_service, contacts_service;
GRANT USAGE ON SCHEMA auth TO auth_service;
GRANT USAGE ON SCHEMA contacts TO contacts_service;
