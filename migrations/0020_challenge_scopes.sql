-- What a log-in asked its access token to allow, until the second factor comes. The
-- constant is for programs of the version before, which do not name the column.
ALTER TABLE auth.mfa_challenges ADD COLUMN scopes text[] NOT NULL DEFAULT '{}';
