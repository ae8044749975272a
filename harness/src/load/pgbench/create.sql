\set turn random(1, 100)
\if :turn = 1 or :ready = 0
\set n 1 + :client_id * :keys / :clients
SELECT owner FROM load_keys WHERE n = :n \gset
\set ready 1
\endif
\set given random(0, 4294967295)
\set family random(0, 4294967295)
WITH taken AS (
    INSERT INTO contacts.owner_state AS o
        (owner_id, version, min_version, epoch, live_count, byte_count, revision_bytes,
         keys_version, keyed_version)
    VALUES (:owner, 1, 0, '00000000-0000-0000-0000-000000000000', 1, 60, 0, 2, 1)
    ON CONFLICT (owner_id) DO UPDATE
    SET version = o.version + 1,
        keyed_version = o.keyed_version
            + 1 * (o.keyed_version = o.version AND o.keys_version = 2)::int,
        live_count = o.live_count + 1, byte_count = o.byte_count + 60
    WHERE o.live_count + 1 <= 1000000000
    RETURNING version
), stored AS (
    INSERT INTO contacts.contacts
        (owner_id, id, uid, version, create_time, update_time, body, family_key, given_key,
         display_key, birth_md, starred, label_keys, email_keys, phone_keys, organization_key,
         search_text, name_keys, match_keys, change)
    SELECT :owner, id, concat_ws(chr(58), 'urn', 'uuid', id), version, now(), now(), body, family_key, given_key,
           display_key, birth_md, starred, string_to_array(labels, chr(10)),
           string_to_array(emails, chr(10)), string_to_array(phones, chr(10)),
           organization_key, search_text, string_to_array(names, chr(10)), match_keys, 1
    FROM taken, unnest(
        ARRAY[gen_random_uuid()], ARRAY[decode(repeat('ab', 60), 'hex')],
        ARRAY['family ' || :family::text || ' given ' || :given::text],
        ARRAY['given ' || :given::text || ' family ' || :family::text],
        ARRAY['given ' || :given::text || ' family ' || :family::text], ARRAY[NULL::smallint], ARRAY[false],
        ARRAY[''], ARRAY[''], ARRAY[''], ARRAY[''],
        ARRAY[E'\n\x02family ' || :family::text || E'\n\x02family ' || :family::text || ' given ' || :given::text
              || E'\n\x02given ' || :given::text || E'\n\x02given ' || :given::text || ' family ' || :family::text
              || E'\n'],
        ARRAY['given ' || :given::text || ' family ' || :family::text || E'\n'
              || 'family ' || :family::text || ' given ' || :given::text],
        ARRAY[decode(repeat('ab', 16), 'hex')]
    ) AS new (id, body, family_key, given_key, display_key, birth_md, starred, labels, emails,
              phones, organization_key, search_text, names, match_keys)
)
SELECT version FROM taken;
