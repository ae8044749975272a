-- Address books. Every key starts with the owner.

-- One row per owner. Every write takes it first, so that versions follow the
-- order of commits.
CREATE TABLE contacts.owner_state (
    owner_id    uuid PRIMARY KEY,
    version     bigint NOT NULL,
    min_version bigint NOT NULL,
    epoch       uuid NOT NULL,
    live_count  bigint NOT NULL CHECK (live_count >= 0),
    byte_count  bigint NOT NULL CHECK (byte_count >= 0)
) WITH (fillfactor = 50);

-- `body` is the Contact message without its output-only fields; the *_key
-- columns are folded copies of parts of it, to sort and to filter by.
CREATE TABLE contacts.contacts (
    owner_id        uuid NOT NULL,
    id              uuid NOT NULL,
    uid             text COLLATE "C" NOT NULL CHECK (char_length(uid) BETWEEN 1 AND 255),
    version         bigint NOT NULL,
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL,
    delete_time     timestamptz,
    merged_into     uuid,
    body            bytea NOT NULL CHECK (octet_length(body) <= 65536),
    family_key      text COLLATE "C" NOT NULL,
    given_key       text COLLATE "C" NOT NULL,
    display_key     text COLLATE "C" NOT NULL,
    birth_md        smallint CHECK (birth_md BETWEEN 101 AND 1231),
    starred         boolean NOT NULL,
    label_keys      text[] NOT NULL,
    email_keys      text[] NOT NULL,
    phone_keys      text[] NOT NULL,
    organization_key text NOT NULL,
    search_text     text COLLATE "C" NOT NULL,
    PRIMARY KEY (owner_id, id),
    UNIQUE (owner_id, uid)
);

CREATE INDEX contacts_version ON contacts.contacts (owner_id, version);
CREATE INDEX contacts_family ON contacts.contacts (owner_id, family_key, id);
CREATE INDEX contacts_given ON contacts.contacts (owner_id, given_key, id);
CREATE INDEX contacts_display ON contacts.contacts (owner_id, display_key, id);
CREATE INDEX contacts_create_time ON contacts.contacts (owner_id, create_time, id);
CREATE INDEX contacts_update_time ON contacts.contacts (owner_id, update_time, id);
CREATE INDEX contacts_birthday ON contacts.contacts (owner_id, birth_md, display_key, id)
    WHERE birth_md IS NOT NULL AND delete_time IS NULL;

-- For the purge, which looks at all owners.
CREATE INDEX contacts_delete_time ON contacts.contacts (delete_time)
    WHERE delete_time IS NOT NULL;

-- The answers to calls with a request_id, for a day.
CREATE TABLE contacts.requests (
    owner_id    uuid NOT NULL,
    request_id  text COLLATE "C" NOT NULL CHECK (char_length(request_id) BETWEEN 1 AND 64),
    body_hash   bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    response    bytea NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (owner_id, request_id)
);
CREATE INDEX requests_create_time ON contacts.requests (create_time);

GRANT SELECT, INSERT, UPDATE, DELETE ON
    contacts.owner_state, contacts.contacts, contacts.requests TO contacts_service;
