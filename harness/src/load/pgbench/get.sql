-- Another key now and then: to look one up each time would cost more than the
-- statement that is measured.
\set turn random(1, 100)
\if :turn = 1 or :ready = 0
\set n random(1, :keys)
SELECT owner, id FROM load_keys WHERE n = :n \gset
\set ready 1
\endif
SELECT id, uid, version, create_time, update_time, delete_time, merged_into, body
FROM contacts.contacts
WHERE owner_id = :owner AND id = :id;
