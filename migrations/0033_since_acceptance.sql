-- What a recipient of a share sees of the time before it: nothing. The version of the owner
-- at which a share was accepted says from when on; NULL for shares that earlier releases
-- accepted: then the version of their last write counts.
ALTER TABLE contacts.shares ADD COLUMN accept_version bigint;

-- Who wrote a contact; NULL if that was before this, or the service itself. The version of a
-- deletion: later writes, such as a new name of a label, change the version of a deleted
-- contact. Programs of the version before name neither.
ALTER TABLE contacts.contacts
    ADD COLUMN writer_id uuid,
    ADD COLUMN delete_version bigint;
ALTER TABLE contacts.revisions
    ADD COLUMN writer_id uuid,
    ADD COLUMN delete_version bigint;
