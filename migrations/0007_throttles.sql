-- Attempts that failed or are under way, by what they are counted for: HMACs of
-- an e-mail or an address, never the thing itself.
CREATE TABLE auth.throttles (
    bucket          bytea PRIMARY KEY CHECK (octet_length(bucket) = 32),
    failures        bigint NOT NULL CHECK (failures >= 0),
    blocked_until   timestamptz NOT NULL,
    update_time     timestamptz NOT NULL
) WITH (fillfactor = 70);

-- For the purge of buckets in which nothing happened for long.
CREATE INDEX throttles_update_time ON auth.throttles (update_time);

GRANT SELECT, INSERT, UPDATE, DELETE ON auth.throttles TO auth_service;
