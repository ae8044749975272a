-- Programs that call with a secret of their own.
CREATE TABLE auth.service_accounts (
    client_id       text COLLATE "C" PRIMARY KEY CHECK (char_length(client_id) BETWEEN 1 AND 100),
    id              uuid NOT NULL,
    scopes          text[] NOT NULL,
    create_time     timestamptz NOT NULL
);

-- SHA-256 of secrets of 256 bits; the older of two ends when a third comes.
CREATE TABLE auth.service_secrets (
    client_id       text COLLATE "C" NOT NULL,
    hash            bytea NOT NULL CHECK (octet_length(hash) = 32),
    create_time     timestamptz NOT NULL,
    PRIMARY KEY (client_id, hash)
);

-- What access tokens are not good any more before they end: those of a session, or,
-- with the zero UUID for a session, all that the user had until then.
CREATE TABLE auth.revocations (
    user_id         uuid NOT NULL,
    session_id      uuid NOT NULL,
    revoke_time     timestamptz NOT NULL,
    PRIMARY KEY (user_id, session_id)
);

-- For the feed, which goes by time, and for the purge.
CREATE INDEX revocations_revoke_time ON auth.revocations (revoke_time);

GRANT SELECT, INSERT, UPDATE, DELETE ON
    auth.service_accounts, auth.service_secrets, auth.revocations TO auth_service;
