-- Substring search within one owner's contacts. The pending list of a GIN index
-- makes searches several times slower after many writes, hence fastupdate off.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;

CREATE INDEX contacts_search ON contacts.contacts
    USING gin (owner_id, search_text gin_trgm_ops) WITH (fastupdate = off)
    WHERE delete_time IS NULL;
