-- The e-mail that a user wants and nobody has confirmed, and until when that is possible.
-- The account keeps its own e-mail until then.
ALTER TABLE auth.users ADD COLUMN pending_email text COLLATE "C";
ALTER TABLE auth.users ADD COLUMN pending_email_expire_time timestamptz;
