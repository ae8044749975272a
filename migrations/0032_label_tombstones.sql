-- Labels that are gone, for those who keep a copy of them. A program of the version before
-- takes one for a contact that its reader never had.
ALTER TABLE contacts.tombstones ADD COLUMN is_label boolean NOT NULL DEFAULT FALSE;
