-- Contacts that owners let others see. A share is offered to an address, and is
-- that user's who accepts it.
CREATE TABLE contacts.shares (
    owner_id        uuid NOT NULL,
    id              uuid NOT NULL,
    owner_email     text NOT NULL CHECK (octet_length(owner_email) <= 254),
    recipient_email text COLLATE "C" NOT NULL CHECK (octet_length(recipient_email) <= 254),
    recipient_id    uuid,
    -- All contacts where there is none.
    label_id        uuid,
    -- Whether they may be written, too.
    is_editor       boolean NOT NULL,
    version         bigint NOT NULL,
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL,
    accept_time     timestamptz,
    PRIMARY KEY (owner_id, id),
    CHECK ((recipient_id IS NULL) = (accept_time IS NULL))
);

-- The same is shared with an address once.
CREATE UNIQUE INDEX shares_of_label ON contacts.shares (owner_id, recipient_email, label_id)
    WHERE label_id IS NOT NULL;
CREATE UNIQUE INDEX shares_of_all ON contacts.shares (owner_id, recipient_email)
    WHERE label_id IS NULL;

-- What a user sees, and of whom.
CREATE INDEX shares_recipient ON contacts.shares (recipient_id, owner_id)
    WHERE recipient_id IS NOT NULL;
CREATE INDEX shares_offered ON contacts.shares (recipient_email, id) WHERE recipient_id IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON contacts.shares TO contacts_service;
