-- Evaluations: benchmark runs as jobs on the daemon's engine. Their data is invented from a seed; nothing here is
-- anybody's text.
CREATE TABLE evaluations (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 37 AND substr(id, 1, 5) = 'eval_'),
    -- What is run, as JSON.
    specification TEXT NOT NULL,
    -- The generation that is measured; NULL for a model that is made on the spot. A run that is taken up again after
    -- an interruption goes on with the same one.
    generation_id INTEGER REFERENCES generations (id),
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    -- How often the worker took it up.
    runs INTEGER NOT NULL DEFAULT 0 CHECK (runs >= 0),
    -- The latest progress, as JSON.
    progress TEXT,
    error_code TEXT,
    error_message TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT REFERENCES api_keys (id),
    updated_at INTEGER NOT NULL,
    started_at INTEGER,
    finalized_at INTEGER,
    -- Keyed digests of the idempotency key with its scope, and of the body's digest.
    key_digest BLOB NOT NULL UNIQUE CHECK (length(key_digest) = 32),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finalized_at IS NOT NULL)),
    CHECK ((state = 'failed') = (error_code IS NOT NULL)),
    CHECK ((error_code IS NULL) = (error_message IS NULL)),
    CHECK (runs > 0 OR state IN ('queued', 'cancelled'))
) STRICT;

CREATE INDEX evaluations_by_creation ON evaluations (created_at, id);
CREATE INDEX evaluations_open ON evaluations (created_at, id) WHERE finalized_at IS NULL;

CREATE TRIGGER evaluations_begin_queued BEFORE INSERT ON evaluations WHEN NEW.state <> 'queued'
BEGIN
    SELECT RAISE(ABORT, 'an evaluation begins as queued');
END;

CREATE TRIGGER evaluations_transition BEFORE UPDATE OF state ON evaluations
WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN (
    'queued>running', 'queued>cancelled',
    'running>queued', 'running>succeeded', 'running>failed', 'running>cancelled')
BEGIN
    SELECT RAISE(ABORT, 'the evaluation cannot change state this way');
END;

CREATE TABLE evaluation_events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 32 AND kind NOT GLOB '*[^a-z_]*'),
    from_state TEXT,
    to_state TEXT,
    detail TEXT
) STRICT;

CREATE INDEX evaluation_events_by_evaluation ON evaluation_events (evaluation_id, sequence);
