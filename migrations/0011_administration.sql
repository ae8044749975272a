-- Administration: who did it, lists of what was done, and who may.

-- Each migration is one transaction, and the tables are small yet.
-- squawk-ignore-file require-concurrent-index-creation

-- Who did it, where that is not the user itself: an administrator, a program, or, as
-- the nil UUID, the operator at the command line. And what else there is to tell: a
-- key's id, names of roles, a program's name; never a secret or an e-mail.
ALTER TABLE auth.audit_events
    ADD COLUMN actor_id uuid,
    ADD COLUMN detail text;

-- A list each of one user's, of one kind, and of all, by time. Rows are only ever
-- added, and nearly at the end of each.
CREATE INDEX audit_events_of_user ON auth.audit_events (user_id, event_time, id);
CREATE INDEX audit_events_of_kind ON auth.audit_events (kind COLLATE "C", event_time, id);
CREATE INDEX audit_events_of_all ON auth.audit_events (event_time, id);

-- Administrators are few among many users, and are counted before one goes.
CREATE INDEX users_administrators ON auth.users (id) WHERE 'admin' = ANY (roles);
