\set turn random(1, 100)
\if :turn = 1 or :ready = 0
\set n random(1, :keys)
SELECT owner FROM load_keys WHERE n = :n \gset
\set ready 1
\endif
SELECT id, uid, version, create_time, update_time, delete_time, merged_into, body, birth_md,
       display_key
FROM contacts.contacts
WHERE owner_id = :owner AND delete_time IS NULL
  AND birth_md <= :last
  AND (birth_md, display_key, id) > (:first, '', '00000000-0000-0000-0000-000000000000')
ORDER BY birth_md, display_key, id
LIMIT 51;
