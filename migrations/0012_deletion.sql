-- The end of an account.

-- Whose account is gone, for services that keep data of users: they may come
-- back after days and have to hear of it, so these rows stay for ever. A UUID and
-- a time tell nothing of a person.
CREATE TABLE auth.deleted_users (
    user_id     uuid PRIMARY KEY,
    delete_time timestamptz NOT NULL
);

-- For the feed, which goes by time.
CREATE INDEX deleted_users_delete_time ON auth.deleted_users (delete_time, user_id);

GRANT SELECT, INSERT, UPDATE ON auth.deleted_users TO auth_service;
GRANT DELETE ON auth.emails, auth.users TO auth_service;
-- What happened stays written; where it came from goes with the account.
GRANT UPDATE (ip) ON auth.audit_events TO auth_service;

-- How far this service has followed what others tell.
CREATE TABLE contacts.feeds (
    name        text COLLATE "C" PRIMARY KEY,
    cursor      text NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON contacts.feeds TO contacts_service;
