-- The bytes of the owner's earlier revisions, which are limited. NULL until the owner's next
-- write, which counts those from before: to count all of them here would take long, while
-- every write waits. Programs of the version before do not name the column: an owner whose
-- first write is theirs has NULL, too; what they write or delete later is not counted.
ALTER TABLE contacts.owner_state ADD COLUMN revision_bytes bigint;
