\set turn random(1, 100)
\if :turn = 1 or :ready = 0
\set n random(1, :keys)
SELECT owner FROM load_keys WHERE n = :n \gset
\endif
\set turn random(1, 10)
\if :turn = 1 or :ready = 0
\set n random(1, :queries)
SELECT longest, patterns, digits FROM load_queries WHERE n = :n \gset
\set ready 1
\endif
SELECT id, family_key, starred, search_text
FROM contacts.contacts
WHERE owner_id = :owner AND delete_time IS NULL
  AND ((search_text LIKE :longest AND search_text LIKE ALL(:patterns)) OR search_text LIKE NULLIF(:digits, ''));
