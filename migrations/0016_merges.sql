-- Which contacts were merged, so that a merge can be undone. What they were before
-- stands in their revisions.
CREATE TABLE contacts.merges (
    owner_id        uuid NOT NULL,
    id              uuid NOT NULL,
    version         bigint NOT NULL,
    primary_id      uuid NOT NULL,
    primary_version bigint NOT NULL,
    other_ids       uuid[] NOT NULL CHECK (cardinality(other_ids) BETWEEN 1 AND 20),
    create_time     timestamptz NOT NULL,
    PRIMARY KEY (owner_id, id)
);

-- For the purge, which looks at all owners.
CREATE INDEX merges_create_time ON contacts.merges (create_time);

-- Pairs of contacts that are never suggested as duplicates.
CREATE TABLE contacts.ignored_duplicates (
    owner_id        uuid NOT NULL,
    low_id          uuid NOT NULL,
    high_id         uuid NOT NULL,
    PRIMARY KEY (owner_id, low_id, high_id),
    CHECK (low_id < high_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON contacts.merges TO contacts_service;
GRANT SELECT, INSERT, DELETE ON contacts.ignored_duplicates TO contacts_service;
