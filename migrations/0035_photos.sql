-- Photos of contacts. A contact names its photo in its body, as do its revisions.

-- The files, each once per owner, by the SHA-256 of its bytes. Never updated.
CREATE TABLE contacts.photos (
    owner_id    uuid NOT NULL,
    hash        bytea NOT NULL CHECK (octet_length(hash) = 32),
    media_type  text NOT NULL CHECK (char_length(media_type) BETWEEN 1 AND 100),
    bytes       bytea NOT NULL CHECK (octet_length(bytes) BETWEEN 1 AND 2097152),
    PRIMARY KEY (owner_id, hash)
);

-- Images are compressed already, and uncompressed values can be read in pieces.
ALTER TABLE contacts.photos ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Which contacts have or had which photo. A photo without a row here is deleted. A row is
-- deleted when neither its contact nor any of its revisions names the photo: the purge
-- looks at it at `check_time`. Programs of the version before give no contact a photo that
-- it never had, so they need not write here.
CREATE TABLE contacts.photo_uses (
    owner_id    uuid NOT NULL,
    contact_id  uuid NOT NULL,
    hash        bytea NOT NULL,
    check_time  timestamptz NOT NULL,
    PRIMARY KEY (owner_id, contact_id, hash)
);

CREATE INDEX photo_uses_hash ON contacts.photo_uses (owner_id, hash);

-- For the purge, which looks at all owners.
CREATE INDEX photo_uses_check_time ON contacts.photo_uses (check_time);

GRANT SELECT, INSERT, DELETE ON contacts.photos TO contacts_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON contacts.photo_uses TO contacts_service;
