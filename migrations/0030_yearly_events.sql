-- What the list of upcoming birthdays and other yearly events is read from. `deceased`: the
-- contact has a date of death. `event_mds`: month and day of its events, as 229 for 29
-- February, negative for anniversaries; NULL if it has none. The constant is for programs of
-- the version before.
-- A month and a day are a small number.
-- squawk-ignore-file prefer-bigint-over-smallint
ALTER TABLE contacts.contacts
    ADD COLUMN deceased boolean NOT NULL DEFAULT FALSE,
    ADD COLUMN event_mds smallint[];
