-- The labels of an owner: every one that a contact has, and those that none has
-- yet. `name_key` is the folded name, as in contacts.label_keys.
CREATE TABLE contacts.labels (
    owner_id        uuid NOT NULL,
    id              uuid NOT NULL,
    name_key        text COLLATE "C" NOT NULL,
    name            text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    version         bigint NOT NULL,
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL,
    PRIMARY KEY (owner_id, id),
    UNIQUE (owner_id, name_key)
);

-- Contacts from before this have their labels. How these were typed stands in
-- bodies, which SQL cannot read: the folded name is theirs until it is changed.
INSERT INTO contacts.labels (owner_id, id, name_key, name, version, create_time, update_time)
SELECT owner_id, gen_random_uuid(), key, left(key, 100), max(version), min(create_time),
       max(update_time)
FROM contacts.contacts
CROSS JOIN LATERAL unnest(label_keys) AS key
WHERE key <> '' AND octet_length(key) <= 1200
GROUP BY owner_id, key;

GRANT SELECT, INSERT, UPDATE, DELETE ON contacts.labels TO contacts_service;
