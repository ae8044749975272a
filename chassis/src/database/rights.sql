-- What the services may do, once more: a database that was restored without its rights,
-- or before the roles were there, has them again. Run by `migrate` each time, after the
-- numbered files; whoever gives a right in one of them adds it here, too. What is there
-- is left alone.
DO $$
DECLARE
    missing record;
BEGIN
    IF has_database_privilege('public', current_database(), 'TEMPORARY') THEN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    END IF;
    IF has_schema_privilege('public', 'public', 'USAGE, CREATE') THEN
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
    END IF;

    FOR missing IN
        SELECT service, schema
        FROM (VALUES
            ('auth_service', 'auth'),
            ('auth_service', 'public'),
            ('contacts_service', 'contacts'),
            ('contacts_service', 'public')
        ) AS rights (service, schema)
        WHERE NOT has_schema_privilege(service, schema, 'USAGE')
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', missing.schema, missing.service);
        -- Of a right that the caller may not give, PostgreSQL only warns.
        IF NOT has_schema_privilege(missing.service, missing.schema, 'USAGE') THEN
            RAISE insufficient_privilege USING MESSAGE = format(
                'cannot give %s rights on the schema %s; run this as its owner',
                missing.service, missing.schema);
        END IF;
    END LOOP;

    FOR missing IN
        SELECT service, name, verb
        FROM (VALUES
            ('auth_service', 'public._sqlx_migrations', 'SELECT'),
            ('auth_service', 'auth.audit_events', 'SELECT INSERT'),
            ('auth_service', 'auth.deleted_users', 'SELECT INSERT UPDATE'),
            ('auth_service', 'auth.email_tokens', 'SELECT INSERT UPDATE DELETE'),
            ('auth_service', 'auth.emails', 'SELECT INSERT UPDATE DELETE'),
            ('auth_service', 'auth.mfa_challenges', 'SELECT INSERT UPDATE DELETE'),
            ('auth_service', 'auth.outbox', 'SELECT INSERT UPDATE DELETE'),
            ('auth_service', 'auth.recovery_codes', 'SELECT INSERT DELETE'),
            ('auth_service', 'auth.revocations', 'SELECT INSERT UPDATE DELETE'),
            ('auth_service', 'auth.service_accounts', 'SELECT INSERT UPDATE DELETE'),
            ('auth_service', 'auth.service_secrets', 'SELECT INSERT UPDATE DELETE'),
            ('auth_service', 'auth.sessions', 'SELECT INSERT UPDATE DELETE'),
            ('auth_service', 'auth.signing_keys', 'SELECT INSERT UPDATE'),
            ('auth_service', 'auth.throttles', 'SELECT INSERT UPDATE DELETE'),
            ('auth_service', 'auth.totp_secrets', 'SELECT INSERT UPDATE DELETE'),
            ('auth_service', 'auth.users', 'SELECT INSERT UPDATE DELETE'),
            ('contacts_service', 'public._sqlx_migrations', 'SELECT'),
            ('contacts_service', 'contacts.contacts', 'SELECT INSERT UPDATE DELETE'),
            ('contacts_service', 'contacts.feeds', 'SELECT INSERT UPDATE'),
            ('contacts_service', 'contacts.ignored_duplicates', 'SELECT INSERT DELETE'),
            ('contacts_service', 'contacts.labels', 'SELECT INSERT UPDATE DELETE'),
            ('contacts_service', 'contacts.merges', 'SELECT INSERT UPDATE DELETE'),
            ('contacts_service', 'contacts.owner_state', 'SELECT INSERT UPDATE DELETE'),
            ('contacts_service', 'contacts.photo_uses', 'SELECT INSERT UPDATE DELETE'),
            ('contacts_service', 'contacts.photos', 'SELECT INSERT DELETE'),
            ('contacts_service', 'contacts.requests', 'SELECT INSERT UPDATE DELETE'),
            ('contacts_service', 'contacts.revisions', 'SELECT INSERT UPDATE DELETE'),
            ('contacts_service', 'contacts.shares', 'SELECT INSERT UPDATE DELETE'),
            ('contacts_service', 'contacts.tombstones', 'SELECT INSERT DELETE')
        ) AS rights (service, name, verbs)
        CROSS JOIN unnest(string_to_array(verbs, ' ')) AS verb
        -- A later version may have dropped the table.
        WHERE to_regclass(name) IS NOT NULL AND NOT has_table_privilege(service, name, verb)
    LOOP
        EXECUTE format('GRANT %s ON %s TO %I', missing.verb, missing.name, missing.service);
        IF NOT has_table_privilege(missing.service, missing.name, missing.verb) THEN
            RAISE insufficient_privilege USING MESSAGE = format(
                'cannot give %s rights on the table %s; run this as its owner',
                missing.service, missing.name);
        END IF;
    END LOOP;

    -- What happened stays written; where it came from goes with the account.
    IF NOT has_column_privilege('auth_service', 'auth.audit_events', 'ip', 'UPDATE') THEN
        GRANT UPDATE (ip) ON auth.audit_events TO auth_service;
    END IF;
END $$;
