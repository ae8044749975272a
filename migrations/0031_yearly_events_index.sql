-- The contacts with events, which are few. Apart from the column, which locks the table.

-- A migration is one transaction.
-- squawk-ignore-file require-concurrent-index-creation

CREATE INDEX contacts_events ON contacts.contacts (owner_id, event_mds, id)
    WHERE event_mds IS NOT NULL AND delete_time IS NULL;
