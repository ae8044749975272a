-- What contacts were before each of their writes. The newest revision of a contact
-- is its own row, so that a contact costs nothing here until it changes.

-- What the last write did, as the code of ContactChange; unknown of older rows.
ALTER TABLE contacts.contacts ADD COLUMN change smallint;

CREATE TABLE contacts.revisions (
    owner_id        uuid NOT NULL,
    contact_id      uuid NOT NULL,
    version         bigint NOT NULL,
    change          smallint,
    revision_time   timestamptz NOT NULL,
    delete_time     timestamptz,
    merged_into     uuid,
    body            bytea NOT NULL CHECK (octet_length(body) <= 65536),
    replace_time    timestamptz NOT NULL,
    PRIMARY KEY (owner_id, contact_id, version)
);

-- For the purge, which looks at all owners.
CREATE INDEX revisions_replace_time ON contacts.revisions (replace_time);

GRANT SELECT, INSERT, UPDATE, DELETE ON contacts.revisions TO contacts_service;
