\set turn random(1, 100)
\if :turn = 1 or :ready = 0
\set n 1 + :client_id
SELECT user_id AS owner, id, hash FROM load_sessions WHERE n = :n \gset
\set ready 1
\endif
UPDATE auth.sessions AS s
SET gen = s.gen + 1, prev_hash = s.cur_hash, cur_hash = :hash, cur_kid = 1,
    prev_request_hash = NULL, rotate_time = now(), last_seen_time = now(),
    idle_expire_time = LEAST(now() + interval '14 days', s.absolute_expire_time),
    ip = '127.0.0.1', user_agent = 'pgbench'
FROM auth.users AS u
WHERE s.user_id = :owner AND s.id = :id AND s.cur_hash = :hash
  AND s.revoke_time IS NULL
  AND s.idle_expire_time > now()
  AND s.absolute_expire_time > now()
  AND u.id = :owner AND u.id = s.user_id AND u.disable_time IS NULL
RETURNING s.auth_time, s.amr, s.idle_expire_time, s.absolute_expire_time, u.roles;
