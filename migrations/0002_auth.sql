-- Accounts, sessions and signing keys.

-- Keeps e-mails unique by itself, and holds what a log-in needs: one key, one
-- row. Inserted before the user. `password_version` counts changes of the
-- password, not new hashes of the same one. The two hashes are of the sign-up's
-- request id and of the rest of it (without the password).
CREATE TABLE auth.emails (
    email_norm      text COLLATE "C" PRIMARY KEY CHECK (octet_length(email_norm) BETWEEN 3 AND 254),
    user_id         uuid NOT NULL,
    password_hash   text NOT NULL,
    password_version bigint NOT NULL,
    request_hash    bytea CHECK (octet_length(request_hash) = 32),
    request_body_hash bytea CHECK (octet_length(request_body_hash) = 32),
    create_time     timestamptz NOT NULL
);

CREATE TABLE auth.users (
    id              uuid PRIMARY KEY,
    email           text NOT NULL,
    display_name    text NOT NULL CHECK (char_length(display_name) <= 200),
    email_verified  boolean NOT NULL,
    roles           text[] NOT NULL,
    disable_time    timestamptz,
    version         bigint NOT NULL,
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL
);

-- A refresh changes most of a row's columns, none of them indexed: with room
-- left in each page the update stays on it (HOT).
CREATE TABLE auth.sessions (
    user_id             uuid NOT NULL,
    id                  uuid NOT NULL,
    gen                 bigint NOT NULL,
    cur_hash            bytea NOT NULL CHECK (octet_length(cur_hash) = 32),
    cur_kid             smallint NOT NULL,
    prev_hash           bytea CHECK (octet_length(prev_hash) = 32),
    prev_request_hash   bytea CHECK (octet_length(prev_request_hash) = 32),
    rotate_time         timestamptz,
    create_time         timestamptz NOT NULL,
    auth_time           timestamptz NOT NULL,
    amr                 text[] NOT NULL,
    last_seen_time      timestamptz NOT NULL,
    idle_expire_time    timestamptz NOT NULL,
    absolute_expire_time timestamptz NOT NULL,
    revoke_time         timestamptz,
    revoke_reason       text,
    ip                  text NOT NULL,
    user_agent          text NOT NULL,
    client_label        text NOT NULL,
    PRIMARY KEY (user_id, id)
) WITH (fillfactor = 70);

-- For the purge of sessions that ended long ago; a session's end never moves.
CREATE INDEX sessions_absolute_expire_time ON auth.sessions (absolute_expire_time);

-- At most one key signs; whoever inserts it first wins.
CREATE TABLE auth.signing_keys (
    kid                 text COLLATE "C" PRIMARY KEY,
    algorithm           text NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256')),
    state               text NOT NULL CHECK (state IN ('staged', 'active', 'retiring', 'revoked')),
    public_jwk          text NOT NULL,
    private_key_sealed  bytea NOT NULL,
    create_time         timestamptz NOT NULL,
    state_time          timestamptz NOT NULL
);
CREATE UNIQUE INDEX signing_keys_one_active ON auth.signing_keys (state) WHERE state = 'active';

-- Append-only; never a token or a password.
CREATE TABLE auth.audit_events (
    user_id     uuid NOT NULL,
    id          uuid NOT NULL,
    kind        text NOT NULL,
    event_time  timestamptz NOT NULL,
    session_id  uuid,
    ip          text NOT NULL,
    PRIMARY KEY (user_id, id)
);

GRANT SELECT, INSERT, UPDATE ON auth.emails, auth.users, auth.signing_keys TO auth_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.sessions TO auth_service;
GRANT SELECT, INSERT ON auth.audit_events TO auth_service;
