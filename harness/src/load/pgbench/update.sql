\set turn random(1, 100)
\if :turn = 1 or :ready = 0
\set n random(1, :keys)
SELECT owner, id FROM load_keys WHERE n = :n \gset
\set ready 1
\endif
\set note random(0, 4294967295)
BEGIN;
INSERT INTO contacts.owner_state AS o
    (owner_id, version, min_version, epoch, live_count, byte_count)
VALUES (:owner, 1, 0, '00000000-0000-0000-0000-000000000000', 0, 0)
ON CONFLICT (owner_id) DO UPDATE SET version = o.version + 1
RETURNING version, live_count \gset
SELECT id, uid, version, create_time, update_time, delete_time, merged_into, body
FROM contacts.contacts
WHERE owner_id = :owner AND id = :id;
WITH counted AS (
    UPDATE contacts.owner_state
    SET live_count = live_count + 0, byte_count = byte_count + 1
    WHERE owner_id = :owner
), kept AS (
    INSERT INTO contacts.revisions
        (owner_id, contact_id, version, change, revision_time, delete_time, merged_into, body,
         replace_time)
    SELECT owner_id, id, version, change, update_time, delete_time, merged_into, body, now()
    FROM contacts.contacts
    WHERE owner_id = :owner AND id = :id
), dropped AS (
    DELETE FROM contacts.revisions
    WHERE owner_id = :owner AND contact_id = :id AND version <= (
        SELECT version
        FROM contacts.revisions
        WHERE owner_id = :owner AND contact_id = :id
        ORDER BY version DESC
        OFFSET 48 LIMIT 1
    )
)
UPDATE contacts.contacts
SET version = :version, update_time = now(), change = 2, body = body, family_key = family_key,
    given_key = given_key, display_key = display_key, birth_md = birth_md, starred = starred,
    label_keys = label_keys, email_keys = email_keys, phone_keys = phone_keys,
    organization_key = organization_key,
    search_text = regexp_replace(search_text, E'\x08note \\d+\n|$', E'\x08note ' || :note::text || E'\n')
WHERE owner_id = :owner AND id = :id;
COMMIT;
