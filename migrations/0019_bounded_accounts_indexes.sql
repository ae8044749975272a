-- Indexes for what bounds an account. Apart from its columns: sessions cannot be written
-- while theirs is built, and nobody should wait for users meanwhile.

-- A migration is one transaction.
-- squawk-ignore-file require-concurrent-index-creation

-- The sessions of a user that can be alive. A refresh changes none of these columns, so
-- that its updates stay HOT.
CREATE INDEX sessions_of_epoch ON auth.sessions (user_id, epoch, id) WHERE revoke_time IS NULL;

CREATE INDEX deleted_users_rows_left ON auth.deleted_users (user_id) WHERE rows_left;

-- Those whose e-mail nobody has confirmed.
CREATE INDEX users_unconfirmed ON auth.users (unconfirmed_since) WHERE NOT email_verified;
