-- What bounds an account: its sessions, its end, and its wait for a confirmed e-mail.

-- A session is alive only in the epoch of its user. Whatever ends all sessions of a user
-- begins another epoch, in one row, however many sessions there are. The constants are for
-- programs of the version before, which do not name these columns.
ALTER TABLE auth.users ADD COLUMN session_epoch bigint NOT NULL DEFAULT 0;
ALTER TABLE auth.sessions ADD COLUMN epoch bigint NOT NULL DEFAULT 0;

-- Whether rows of the user are still to be removed: there were more than one transaction
-- should remove.
ALTER TABLE auth.deleted_users ADD COLUMN rows_left boolean NOT NULL DEFAULT false;

-- Since when the account has waited for its first confirmed e-mail, or was last found in
-- use while it waits: it ends when nobody uses it for long. Infinite once an e-mail of it
-- was confirmed; NULL where nobody has looked yet.
ALTER TABLE auth.users ADD COLUMN unconfirmed_since timestamptz;

-- The session that asked for the mail, where one did; only its user can use the token.
ALTER TABLE auth.email_tokens ADD COLUMN session_id uuid;
