"""Tables of the database and the way from each version of them to the next.

The shape is ML Metadata's, under our own words:

    ==============  =========================================================================
    contexts        pipelines and experiments; ``associations`` says which runs are in which
    runs, step_runs executions: a run, and within it each step
    artifacts       a content with a name, kind and type; equal ones are one row
    events          a step run took (``in``) or made (``out``) an artifact
    outbox          what is still to be delivered to other trackers
    bundles         what was made of a model's version to be served
    ==============  =========================================================================

Keys are natural or digests, so that stores can be merged and no database has to hand out numbers. Times are integers
(milliseconds since the epoch, UTC), truth values are 0 and 1, JSON is text. A metric's NULL is NaN.
"""

from __future__ import annotations

__all__ = ["MIGRATIONS", "VERSION"]

_VERSION_1 = (
    """
    CREATE TABLE contexts (
        kind        TEXT NOT NULL,
        name        TEXT NOT NULL,
        created     BIGINT NOT NULL,
        description TEXT,
        PRIMARY KEY (kind, name)
    )
    """,
    """
    CREATE TABLE runs (
        run_id        TEXT NOT NULL PRIMARY KEY,
        pipeline      TEXT NOT NULL,
        status        TEXT NOT NULL,
        started       BIGINT NOT NULL,
        finished      BIGINT,
        seconds       DOUBLE PRECISION,
        notebook      TEXT,
        kernel        TEXT,
        backend       TEXT NOT NULL,
        started_by    TEXT NOT NULL,
        user_name     TEXT,
        commit_id     TEXT,
        configuration TEXT,
        parent        TEXT,
        host          TEXT,
        pid           INTEGER,
        note          TEXT
    )
    """,
    "CREATE INDEX runs_by_time ON runs (started, run_id)",
    "CREATE INDEX runs_by_pipeline ON runs (pipeline, started, run_id)",
    "CREATE INDEX runs_by_status ON runs (status, started, run_id)",
    "CREATE INDEX runs_by_parent ON runs (parent)",
    """
    CREATE TABLE associations (
        run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        kind   TEXT NOT NULL,
        name   TEXT NOT NULL,
        PRIMARY KEY (run_id, kind, name),
        FOREIGN KEY (kind, name) REFERENCES contexts (kind, name)
    )
    """,
    "CREATE INDEX associations_by_context ON associations (kind, name, run_id)",
    """
    CREATE TABLE step_runs (
        run_id      TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        slug        TEXT NOT NULL,
        name        TEXT NOT NULL,
        position    INTEGER NOT NULL,
        status      TEXT NOT NULL,
        started     BIGINT,
        finished    BIGINT,
        seconds     DOUBLE PRECISION,
        cached      INTEGER NOT NULL DEFAULT 0,
        reason      TEXT,
        cache_key   TEXT,
        reused_from TEXT,
        attempts    INTEGER NOT NULL DEFAULT 0,
        kernel      TEXT,
        cpu_seconds DOUBLE PRECISION,
        peak_memory BIGINT,
        notebook    TEXT,
        error       TEXT,
        PRIMARY KEY (run_id, slug)
    )
    """,
    "CREATE INDEX step_runs_by_cache_key ON step_runs (cache_key, finished)",
    """
    CREATE TABLE artifacts (
        artifact_key TEXT NOT NULL PRIMARY KEY,
        digest       TEXT NOT NULL,
        kind         TEXT NOT NULL,
        names        TEXT NOT NULL,
        bytes        BIGINT NOT NULL,
        type         TEXT,
        serializer   TEXT,
        preview      TEXT,
        schema       TEXT,
        members      TEXT
    )
    """,
    "CREATE INDEX artifacts_by_digest ON artifacts (digest)",
    """
    CREATE TABLE events (
        run_id       TEXT NOT NULL,
        slug         TEXT NOT NULL,
        direction    TEXT NOT NULL,
        artifact     TEXT NOT NULL,
        artifact_key TEXT NOT NULL REFERENCES artifacts (artifact_key),
        PRIMARY KEY (run_id, slug, direction, artifact),
        FOREIGN KEY (run_id, slug) REFERENCES step_runs (run_id, slug) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX events_by_artifact ON events (artifact_key, direction)",
    """
    CREATE TABLE params (
        run_id   TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        name     TEXT NOT NULL,
        position INTEGER NOT NULL,
        value    TEXT NOT NULL,
        number   DOUBLE PRECISION,
        word     TEXT,
        source   TEXT,
        PRIMARY KEY (run_id, name)
    )
    """,
    "CREATE INDEX params_by_number ON params (name, number, run_id)",
    "CREATE INDEX params_by_word ON params (name, word, run_id)",
    """
    CREATE TABLE metrics (
        run_id    TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        name      TEXT NOT NULL,
        ordinal   INTEGER NOT NULL,
        slug      TEXT NOT NULL,
        iteration BIGINT NOT NULL,
        recorded  BIGINT NOT NULL,
        value     DOUBLE PRECISION,
        PRIMARY KEY (run_id, name, ordinal)
    )
    """,
    """
    CREATE TABLE latest_metrics (
        run_id   TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        name     TEXT NOT NULL,
        slug     TEXT NOT NULL,
        position INTEGER NOT NULL,
        value    DOUBLE PRECISION,
        PRIMARY KEY (run_id, name)
    )
    """,
    "CREATE INDEX latest_metrics_by_value ON latest_metrics (name, value, run_id)",
    """
    CREATE TABLE tags (
        run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        name   TEXT NOT NULL,
        value  TEXT NOT NULL,
        PRIMARY KEY (run_id, name)
    )
    """,
    "CREATE INDEX tags_by_value ON tags (name, value, run_id)",
    """
    CREATE TABLE texts (
        digest  TEXT NOT NULL PRIMARY KEY,
        content TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE documents (
        run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        slug   TEXT NOT NULL,
        name   TEXT NOT NULL,
        digest TEXT NOT NULL REFERENCES texts (digest),
        PRIMARY KEY (run_id, slug, name)
    )
    """,
    "CREATE INDEX documents_by_digest ON documents (digest)",
    """
    CREATE TABLE models (
        name        TEXT NOT NULL PRIMARY KEY,
        created     BIGINT NOT NULL,
        description TEXT
    )
    """,
    """
    CREATE TABLE model_versions (
        model        TEXT NOT NULL REFERENCES models (name) ON DELETE CASCADE,
        version      INTEGER NOT NULL,
        run_id       TEXT NOT NULL REFERENCES runs (run_id),
        slug         TEXT NOT NULL,
        artifact     TEXT NOT NULL,
        artifact_key TEXT NOT NULL REFERENCES artifacts (artifact_key),
        created      BIGINT NOT NULL,
        description  TEXT,
        PRIMARY KEY (model, version)
    )
    """,
    "CREATE INDEX model_versions_by_run ON model_versions (run_id)",
    "CREATE INDEX model_versions_by_artifact ON model_versions (artifact_key)",
    """
    CREATE TABLE model_aliases (
        model   TEXT NOT NULL,
        alias   TEXT NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (model, alias),
        FOREIGN KEY (model, version) REFERENCES model_versions (model, version) ON DELETE CASCADE
    )
    """,
)

_VERSION_2 = (
    # Whether a run has a value that fits: one look-up, neighbours together, without the row itself.
    "CREATE INDEX latest_metrics_by_run ON latest_metrics (name, run_id, value)",
    "CREATE INDEX params_by_run ON params (name, run_id, number, word)",
    "CREATE INDEX tags_by_run ON tags (name, run_id, value)",
    "CREATE INDEX runs_by_seconds ON runs (seconds, run_id)",
    "CREATE INDEX runs_by_notebook ON runs (notebook, started, run_id)",
    # brisk-otter-1f3c of 20260131-235959-brisk-otter-1f3c.
    "CREATE INDEX runs_by_words ON runs (substr(run_id, 17))",
    "CREATE INDEX runs_by_commit ON runs (commit_id, started, run_id)",
    # What used or made a content, under one id in the order of the runs' ids, which is that of time.
    "DROP INDEX events_by_artifact",
    "CREATE INDEX events_by_artifact ON events (artifact_key, direction, artifact, run_id, slug)",
    # Who computed what was reused, and who reused it.
    "CREATE INDEX step_runs_by_computation ON step_runs (cache_key, status, finished, run_id) "
    "WHERE cache_key IS NOT NULL",
    # The files of a project by their paths: as steps read them, and as steps made them.
    "CREATE INDEX events_by_file ON events (artifact, run_id, artifact_key) "
    "WHERE direction = 'in' AND artifact >= 'file:' AND artifact < 'file;'",
    "CREATE INDEX artifacts_by_path ON artifacts (names) WHERE kind = 'file'",
    # A version's number is never given again, and one variable of those that an artifact holds may be the model.
    "ALTER TABLE models ADD COLUMN last_version INTEGER NOT NULL DEFAULT 0",
    "UPDATE models SET last_version = "
    "(SELECT coalesce(max(version), 0) FROM model_versions WHERE model_versions.model = models.name)",
    "ALTER TABLE model_versions ADD COLUMN member TEXT",
    # What trackers have not been told yet; a row goes when it has arrived.
    """
    CREATE TABLE outbox (
        tracker  TEXT NOT NULL,
        target   TEXT NOT NULL,
        kind     TEXT NOT NULL,
        subject  TEXT NOT NULL,
        options  TEXT NOT NULL,
        revision INTEGER NOT NULL DEFAULT 1,
        queued   BIGINT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        due      BIGINT NOT NULL DEFAULT 0,
        error    TEXT,
        PRIMARY KEY (tracker, target, kind, subject)
    )
    """,
)

_VERSION_3 = (
    # What was made for serving: a bundle goes with its version, and is not loaded any more then.
    """
    CREATE TABLE bundles (
        digest    TEXT NOT NULL PRIMARY KEY,
        model     TEXT NOT NULL,
        version   INTEGER NOT NULL,
        before_it TEXT NOT NULL,
        created   BIGINT NOT NULL,
        FOREIGN KEY (model, version) REFERENCES model_versions (model, version) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX bundles_by_version ON bundles (model, version, created)",
    # What answers requests, and the history of it, which stays when the deployment is gone.
    """
    CREATE TABLE deployments (
        name         TEXT NOT NULL PRIMARY KEY,
        model        TEXT NOT NULL REFERENCES models (name),
        target       TEXT NOT NULL,
        state        TEXT NOT NULL,
        endpoint     TEXT,
        problem      TEXT,
        options      TEXT NOT NULL,
        revision     INTEGER NOT NULL,
        change       INTEGER NOT NULL,
        host         TEXT,
        pid          INTEGER,
        pid_started  DOUBLE PRECISION,
        created      BIGINT NOT NULL,
        changed      BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE deployment_versions (
        deployment TEXT NOT NULL REFERENCES deployments (name) ON DELETE CASCADE,
        model      TEXT NOT NULL,
        version    INTEGER NOT NULL,
        role       TEXT NOT NULL,
        weight     INTEGER NOT NULL,
        PRIMARY KEY (deployment, version),
        FOREIGN KEY (model, version) REFERENCES model_versions (model, version)
    )
    """,
    "CREATE INDEX deployment_versions_by_version ON deployment_versions (model, version)",
    """
    CREATE TABLE deployment_events (
        deployment    TEXT NOT NULL,
        number        INTEGER NOT NULL,
        happened      BIGINT NOT NULL,
        who           TEXT,
        action        TEXT NOT NULL,
        reason        TEXT,
        model         TEXT NOT NULL,
        version       INTEGER,
        traffic_before TEXT NOT NULL,
        traffic_after TEXT NOT NULL,
        follows       INTEGER,
        run_id        TEXT,
        commit_id     TEXT,
        dirty         INTEGER,
        PRIMARY KEY (deployment, number)
    )
    """,
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_VERSION_1, _VERSION_2, _VERSION_3)
"""``MIGRATIONS[n]`` are the statements that lead from version n to n + 1."""

VERSION = len(MIGRATIONS)
