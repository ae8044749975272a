-- Mail that is to be sent, and the tokens that it brings.

-- Written in the transaction of what the mail tells of. The address and all else is
-- sealed; whoever asks for mail to an address without an account has a row, too.
-- Nobody else takes a row before `due_time`: a sender moves it on first, and speaks to
-- the mail server outside of any transaction.
CREATE TABLE auth.outbox (
    id              uuid PRIMARY KEY,
    sealed          bytea NOT NULL,
    create_time     timestamptz NOT NULL,
    due_time        timestamptz NOT NULL,
    expire_time     timestamptz NOT NULL,
    attempts        bigint NOT NULL CHECK (attempts >= 0)
);
CREATE INDEX outbox_due_time ON auth.outbox (due_time);

-- SHA-256 of tokens that were mailed. A token is good for one account, while that has
-- this e-mail and, to choose a new password, this version of it.
CREATE TABLE auth.email_tokens (
    user_id         uuid NOT NULL,
    hash            bytea NOT NULL CHECK (octet_length(hash) = 32),
    purpose         text NOT NULL CHECK (purpose IN ('verification', 'reset')),
    email           text NOT NULL,
    password_version bigint NOT NULL,
    expire_time     timestamptz NOT NULL,
    PRIMARY KEY (user_id, hash)
);

-- For the purge.
CREATE INDEX email_tokens_expire_time ON auth.email_tokens (expire_time);

-- A change of the e-mail moves its row.
GRANT DELETE ON auth.emails TO auth_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.outbox, auth.email_tokens TO auth_service;
