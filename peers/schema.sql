-- The table that every peer reads and writes.
CREATE TABLE contacts (
    owner_id    uuid NOT NULL,
    id          uuid NOT NULL,
    given_name  text NOT NULL,
    family_name text NOT NULL,
    email       text,
    phone       text,
    birthday    date,
    notes       text NOT NULL DEFAULT '',
    version     bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner_id, id)
);
