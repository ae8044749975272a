-- The settings of the owner's address book; NULL where there is none. In the owner's row,
-- because calls need them together with it, and with NULL they take no room.
-- A rule is a small number.
-- squawk-ignore-file prefer-bigint-over-smallint
ALTER TABLE contacts.owner_state
    ADD COLUMN default_region text,
    ADD COLUMN time_zone text,
    ADD COLUMN leap_day_rule smallint;
