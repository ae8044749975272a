-- The bytes of the owner's earlier revisions, which are limited. Those from before this
-- column are not counted; they are deleted within 90 days. The constant is for programs of
-- the version before, which do not name it.
ALTER TABLE contacts.owner_state ADD COLUMN revision_bytes bigint NOT NULL DEFAULT 0;
