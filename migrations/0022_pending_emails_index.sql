-- For the purge. Apart from its columns, which lock the table.

-- A migration is one transaction.
-- squawk-ignore-file require-concurrent-index-creation

CREATE INDEX users_pending_email ON auth.users (pending_email_expire_time)
    WHERE pending_email IS NOT NULL;
