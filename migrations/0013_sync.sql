-- What changed since: for those who keep a copy of their contacts.

-- Contacts that are gone for good, by the version under which they went; kept for
-- 90 days. What is forgotten raises owner_state.min_version.
CREATE TABLE contacts.tombstones (
    owner_id    uuid NOT NULL,
    version     bigint NOT NULL,
    id          uuid NOT NULL,
    purge_time  timestamptz NOT NULL,
    PRIMARY KEY (owner_id, version, id)
);

-- For the purge, which looks at all owners.
CREATE INDEX tombstones_purge_time ON contacts.tombstones (purge_time);

-- One owner's deleted contacts: to purge and to count them.
CREATE INDEX contacts_deleted ON contacts.contacts (owner_id, delete_time)
    WHERE delete_time IS NOT NULL;

GRANT SELECT, INSERT, DELETE ON contacts.tombstones TO contacts_service;
