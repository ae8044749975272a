\set turn random(1, 100)
\if :turn = 1 or :ready = 0
\set n random(1, :keys)
SELECT owner FROM load_keys WHERE n = :n \gset
\set ready 1
\endif
SELECT id, uid, version, create_time, update_time, delete_time, merged_into, body, family_key,
       (SELECT live_count FROM contacts.owner_state WHERE owner_id = :owner)
FROM contacts.contacts
WHERE owner_id = :owner AND delete_time IS NULL
ORDER BY family_key, id
LIMIT 51;
