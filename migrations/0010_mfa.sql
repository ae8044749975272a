-- The second factor of a log-in.

-- Since when a log-in asks for it; changed with the user's row taken, and read so.
ALTER TABLE auth.users ADD COLUMN mfa_enable_time timestamptz;

-- The secret of a user's authenticator app, sealed under the key file; not in use
-- without an `mfa_enable_time`. A code works once: `last_step` is that of the
-- latest one, and only later ones are taken.
CREATE TABLE auth.totp_secrets (
    user_id         uuid PRIMARY KEY,
    secret_sealed   bytea NOT NULL,
    last_step       bigint NOT NULL,
    create_time     timestamptz NOT NULL
);

-- SHA-256 of codes of 100 bits with their user; a used one is deleted.
CREATE TABLE auth.recovery_codes (
    user_id         uuid NOT NULL,
    hash            bytea NOT NULL CHECK (octet_length(hash) = 32),
    create_time     timestamptz NOT NULL,
    PRIMARY KEY (user_id, hash)
);

-- Log-ins that lack the second factor, by SHA-256 of what the client holds. They
-- end when the password changes, too.
CREATE TABLE auth.mfa_challenges (
    user_id         uuid NOT NULL,
    hash            bytea NOT NULL CHECK (octet_length(hash) = 32),
    password_version bigint NOT NULL,
    client_label    text NOT NULL,
    expire_time     timestamptz NOT NULL,
    PRIMARY KEY (user_id, hash)
);

-- For the purge of challenges that nobody answered.
CREATE INDEX mfa_challenges_expire_time ON auth.mfa_challenges (expire_time);

GRANT SELECT, INSERT, UPDATE, DELETE ON auth.totp_secrets, auth.mfa_challenges TO auth_service;
GRANT SELECT, INSERT, DELETE ON auth.recovery_codes TO auth_service;
