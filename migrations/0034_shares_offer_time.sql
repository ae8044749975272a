-- For the purge of offers that have expired. Apart from the columns, which lock the table.

-- A migration is one transaction.
-- squawk-ignore-file require-concurrent-index-creation

CREATE INDEX shares_offer_time ON contacts.shares (create_time) WHERE recipient_id IS NULL;
