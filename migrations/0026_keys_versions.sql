-- The keys that contacts are sorted, searched and compared by are derived from their
-- bodies. A new version of them is made in steps, by owner: `keys_version` is theirs, and
-- all contacts of the owner's versions up to `keyed_version` have it. The constants are for
-- rows of before, and for programs of the version before, which name neither: what they
-- write has a version above `keyed_version`.
-- A version of keys is a small number.
-- squawk-ignore-file prefer-bigint-over-smallint
ALTER TABLE contacts.owner_state
    ADD COLUMN keys_version smallint NOT NULL DEFAULT 0,
    ADD COLUMN keyed_version bigint NOT NULL DEFAULT 0;

-- The name as it is compared and its folded words, to look for duplicates. The constant is
-- for programs of the version before.
ALTER TABLE contacts.contacts ADD COLUMN name_keys text[] NOT NULL DEFAULT '{}';
