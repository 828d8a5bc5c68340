-- Times are microseconds since 1970-01-01T00:00:00Z. JSON is UTF-8 text. Nothing a caller wrote is stored in clear:
-- `summary`, `payloads.body` and `memory.vectors` are AES-GCM boxes, and every `*_digest` is a keyed digest.

-- One row: what belongs to the database as a whole.
CREATE TABLE settings (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- Tells whether a master key file is the one this database was made with.
    key_check BLOB NOT NULL CHECK (length(key_check) = 32),
    -- The last fence that was handed out.
    fence INTEGER NOT NULL CHECK (fence >= 0)
) STRICT;

CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^a-z0-9._-]*'),
    created_at INTEGER NOT NULL,
    -- What is served.
    head_id INTEGER NOT NULL REFERENCES generations (id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE TABLE generations (
    id INTEGER PRIMARY KEY,
    model_id INTEGER NOT NULL REFERENCES models (id) DEFERRABLE INITIALLY DEFERRED,
    number INTEGER NOT NULL CHECK (number >= 0),
    parent_id INTEGER REFERENCES generations (id),
    folder TEXT NOT NULL CHECK (folder NOT GLOB '*[^0-9a-f-]*'),
    manifest_digest BLOB NOT NULL CHECK (length(manifest_digest) = 32),
    byte_count INTEGER NOT NULL CHECK (byte_count >= 0),
    state TEXT NOT NULL CHECK (state IN ('kept', 'purging', 'purged')),
    created_at INTEGER NOT NULL,
    -- When the head last moved away from it.
    superseded_at INTEGER,
    purged_at INTEGER,
    UNIQUE (model_id, number),
    UNIQUE (model_id, folder),
    CHECK ((state = 'purged') = (purged_at IS NOT NULL)),
    CHECK (state = 'kept' OR superseded_at IS NOT NULL)
) STRICT;

CREATE TRIGGER models_head_is_kept BEFORE UPDATE OF head_id ON models
WHEN NOT EXISTS (
    SELECT 1 FROM generations WHERE id = NEW.head_id AND model_id = NEW.id AND state = 'kept')
BEGIN
    SELECT RAISE(ABORT, 'the head has to be a kept generation of the model');
END;

CREATE TRIGGER generations_head_is_not_purged BEFORE UPDATE OF state ON generations
WHEN NEW.state <> 'kept' AND EXISTS (SELECT 1 FROM models WHERE head_id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'the head cannot be purged');
END;

CREATE TRIGGER generations_state BEFORE UPDATE OF state ON generations
WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ('kept>purging', 'purging>purged')
BEGIN
    SELECT RAISE(ABORT, 'the generation cannot change state this way');
END;

CREATE TABLE requests (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36 AND substr(id, 1, 4) = 'req_'),
    revision INTEGER NOT NULL CHECK (revision > 0),
    model_id INTEGER NOT NULL REFERENCES models (id),
    kind TEXT NOT NULL CHECK (kind IN ('erase', 'rectify')),
    category TEXT NOT NULL CHECK (category IN ('personal', 'copyright', 'harmful', 'other')),
    priority INTEGER NOT NULL CHECK (priority BETWEEN -100 AND 100),
    due_at INTEGER,
    item_count INTEGER NOT NULL CHECK (item_count > 0),
    keep_count INTEGER NOT NULL CHECK (keep_count >= 0),
    state TEXT NOT NULL CHECK (state IN
        ('queued', 'running', 'verifying', 'applied', 'purged', 'cancelled', 'failed', 'retryable')),
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    fence INTEGER UNIQUE,
    boot_id TEXT,
    retry_at INTEGER,
    error_code TEXT,
    error_message TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    started_at INTEGER,
    finalized_at INTEGER,
    purged_at INTEGER,
    -- The head with which the request was applied: made by it when `changed`, found sufficient when not.
    generation_id INTEGER REFERENCES generations (id),
    changed INTEGER CHECK (changed IN (0, 1)),
    -- The request's key, itself encrypted; without it nothing below can be read.
    wrapped_key BLOB,
    summary BLOB,
    reference_digest BLOB,
    destroyed_at INTEGER,
    record TEXT,
    CHECK ((state IN ('running', 'verifying')) = (fence IS NOT NULL)),
    CHECK ((fence IS NULL) = (boot_id IS NULL)),
    CHECK ((state = 'retryable') = (retry_at IS NOT NULL)),
    CHECK ((state IN ('applied', 'purged', 'cancelled', 'failed')) = (finalized_at IS NOT NULL)),
    CHECK ((state = 'purged') = (purged_at IS NOT NULL)),
    CHECK ((state IN ('applied', 'purged')) = (generation_id IS NOT NULL)),
    CHECK ((generation_id IS NULL) = (changed IS NULL)),
    CHECK (state NOT IN ('failed', 'retryable') OR error_code IS NOT NULL),
    CHECK ((error_code IS NULL) = (error_message IS NULL)),
    CHECK (attempt > 0 OR state IN ('queued', 'cancelled')),
    CHECK ((wrapped_key IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK ((summary IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK (destroyed_at IS NULL OR reference_digest IS NULL),
    CHECK (destroyed_at IS NULL OR state IN ('applied', 'purged', 'cancelled', 'failed'))
) STRICT;

CREATE INDEX requests_by_creation ON requests (created_at, id);
CREATE INDEX requests_by_state ON requests (state, created_at, id);
CREATE INDEX requests_by_category ON requests (category, created_at, id);
CREATE INDEX requests_by_model ON requests (model_id, created_at, id);
CREATE INDEX requests_by_reference ON requests (reference_digest, created_at, id) WHERE reference_digest IS NOT NULL;
CREATE INDEX requests_by_generation ON requests (generation_id) WHERE generation_id IS NOT NULL;
-- The order in which a worker takes them: larger priority, earlier deadline, older.
CREATE INDEX requests_queue
    ON requests (priority DESC, coalesce(due_at, 9223372036854775807), created_at, id) WHERE state = 'queued';
CREATE INDEX requests_to_retry ON requests (retry_at) WHERE state = 'retryable';
CREATE INDEX requests_by_due ON requests (kind, due_at) WHERE due_at IS NOT NULL AND finalized_at IS NULL;
CREATE INDEX requests_to_destroy ON requests (finalized_at) WHERE finalized_at IS NOT NULL AND destroyed_at IS NULL;

CREATE TRIGGER requests_begin_queued BEFORE INSERT ON requests WHEN NEW.state <> 'queued'
BEGIN
    SELECT RAISE(ABORT, 'a request begins as queued');
END;

-- The moves of RequestStateMachine.
CREATE TRIGGER requests_transition BEFORE UPDATE OF state ON requests
WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN (
    'queued>running', 'queued>cancelled',
    'running>queued', 'running>verifying', 'running>applied', 'running>cancelled', 'running>failed',
    'running>retryable',
    'verifying>queued', 'verifying>applied', 'verifying>cancelled', 'verifying>failed', 'verifying>retryable',
    'retryable>queued', 'retryable>cancelled',
    'failed>queued',
    'applied>purged', 'applied>failed')
BEGIN
    SELECT RAISE(ABORT, 'the request cannot change state this way');
END;

-- How many requests there are, kept by the triggers below so that nobody has to count a million rows.
CREATE TABLE request_counts (
    model_id INTEGER NOT NULL REFERENCES models (id),
    state TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (model_id, state, kind)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER requests_count_new AFTER INSERT ON requests
BEGIN
    INSERT INTO request_counts (model_id, state, kind, amount) VALUES (NEW.model_id, NEW.state, NEW.kind, 1)
    ON CONFLICT (model_id, state, kind) DO UPDATE SET amount = amount + 1;
END;

CREATE TRIGGER requests_count_moved AFTER UPDATE OF state ON requests WHEN OLD.state <> NEW.state
BEGIN
    UPDATE request_counts SET amount = amount - 1
    WHERE model_id = OLD.model_id AND state = OLD.state AND kind = OLD.kind;
    INSERT INTO request_counts (model_id, state, kind, amount) VALUES (NEW.model_id, NEW.state, NEW.kind, 1)
    ON CONFLICT (model_id, state, kind) DO UPDATE SET amount = amount + 1;
END;

-- The encrypted body of a request; the row goes when the key is destroyed.
CREATE TABLE payloads (
    request_id TEXT NOT NULL PRIMARY KEY REFERENCES requests (id),
    body BLOB NOT NULL
) STRICT;

CREATE TABLE idempotency (
    -- Keyed digest of scope and key.
    key_digest BLOB NOT NULL PRIMARY KEY CHECK (length(key_digest) = 32),
    -- Keyed digest of the body's digest.
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    request_id TEXT NOT NULL REFERENCES requests (id),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- What happened, in order. Holds ids, codes and numbers, never text of a request.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id TEXT REFERENCES requests (id),
    model_id INTEGER REFERENCES models (id),
    at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 32 AND kind NOT GLOB '*[^a-z_]*'),
    from_state TEXT,
    to_state TEXT,
    attempt INTEGER,
    detail TEXT,
    CHECK (request_id IS NOT NULL OR model_id IS NOT NULL)
) STRICT;

CREATE INDEX events_by_request ON events (request_id, sequence) WHERE request_id IS NOT NULL;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

-- The redundancy memory: embeddings of the chunks that applied requests made the model forget.
CREATE TABLE memory (
    id INTEGER PRIMARY KEY,
    model_id INTEGER NOT NULL REFERENCES models (id),
    request_id TEXT NOT NULL REFERENCES requests (id),
    -- Names the encoder; vectors of different spaces cannot be compared.
    space TEXT NOT NULL,
    dimension INTEGER NOT NULL CHECK (dimension > 0),
    chunk_count INTEGER NOT NULL CHECK (chunk_count > 0),
    -- chunk_count * dimension little-endian Float32 values, encrypted.
    vectors BLOB NOT NULL,
    UNIQUE (request_id, space)
) STRICT;

CREATE INDEX memory_by_space ON memory (model_id, space, id);
