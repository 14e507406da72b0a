"""The tables of the view: state that is folded from history, and is made anew by `rebuild`.

Columns of the key come first. A `late` index is one that no folding asks: a fold of all history
makes it when all rows are there.
"""

from __future__ import annotations

from store.database.table import Index, Table

VIEW_NAME = "state"
CODE_VERSION = 12
"""Raise when `views.fold` or a view table changes: the daemon then rebuilds at its next start."""

PROJECTS = Table(
    "view_projects",
    "path",
    """
    path             text
    name             text
    mission          text?
    robot            text?
    phases           text?
    state            text
    paused           truth = 0
    reason           text = ''
    env_sha256       text?
    env_since        integer = 0  -- position since which env.json is that
    runs_total       integer = 0
    runs_succeeded   integer = 0
    runs_failed      integer = 0
    runs_interrupted integer = 0
    files_rejected   integer = 0
    last_run         text?
    exports_current  integer = 0
    exports_stale    integer = 0
    exports_failed   integer = 0
    exports_records  integer = 0
    examples_train   integer = 0
    examples_exam    integer = 0
    trials           integer = 0  -- decided ones, which share one error budget
    trial_level      real = 0  -- what the last of them could spend
    trial_improved   integer = 0  -- whether it said "improved"
    reactions_failed integer = 0
    last_failure     text = ''
    checked_sha256   text?  -- of the env.json that the check below is of; NULL: none yet
    check_errors     integer?
    check_warnings   integer?
    check_hints      integer?
    check_findings   text = '[]'  -- JSON of CheckFacts, the first of them
    """,
    Index("view_projects_by_name", "name"),
)

FILES = Table(
    "view_files",
    "project path",
    """
    project       text
    path          text
    kind          text
    run_id        text?
    revision      integer
    dev           integer
    ino           integer
    size          integer
    mtime_ns      integer
    sha256        text
    accepted      truth
    present       truth = 1
    reason        text = ''
    line          integer?
    rows          integer = 0
    rows_rejected integer = 0
    twin_of       text?
    format        text?
    position      integer
    """,
    # Of runs that are there, by size, the hash's algorithm and its first 24 bits: who asks compares
    # the rest.
    Index(
        "view_files_by_bytes",
        "project, size, substr(sha256, 1, 13)",
        "kind = 'run' AND accepted AND present",
        late=True,
    ),
    Index("view_files_by_inode", "project, ino", late=True),
    Index("view_files_rejected", "project, position", "NOT accepted", late=True),
)

EPISODES = Table(
    "view_episodes",
    "project path idx",
    """
    project     text
    path        text
    idx         integer
    outcome     text
    reason      text
    ticks       integer
    reward      real?
    phases_done integer
    last_phase  text?
    first_line  integer
    position    integer
    first       integer  -- position of the event that first told of it
    stamp       text?  -- JSON of a RunStamp
    """,
)

EXPORTS = Table(
    "view_exports",
    "project run_path",
    """
    project       text
    run_path      text
    run_id        text
    state         text
    output        text?
    output_sha256 text?
    manifest      text?
    records       integer = 0
    rejected      integer = 0
    filtered      integer = 0
    reason        text = ''
    retryable     integer = 0
    attempts      integer = 0
    warnings      text = '[]'
    position      integer
    """,
    Index("view_exports_open", "project, state", "state != 'current'", late=True),
)

DATASETS = Table(
    "view_datasets",
    "project",
    """
    project       text
    manifest      text
    manifest_hash text
    content       text
    runs          integer
    rows          text  -- JSON: config -> rows
    labels        text  -- JSON: KTO's, true and false
    failed        text  -- JSON of DatasetProblems
    position      integer
    """,
)

JOBS = Table(
    "view_jobs",
    "id",
    """
    id            integer
    project       text
    kind          text
    state         text  -- queued running succeeded failed cancelled
    attempt       integer = 0
    spec          text
    reason        text
    result        text = ''
    queued_us     integer
    not_before_us integer = 0
    started_us    integer?
    ended_us      integer?
    """,
    Index("view_jobs_queued", "project, kind", "state = 'queued'", unique=True),
    Index("view_jobs_running", "project", "state = 'running'", unique=True),
    Index("view_jobs_by_project", "project, id"),
    Index("view_jobs_by_kind", "kind, state, ended_us"),
)

PROMPTS = Table(
    "view_prompts",
    "project version",
    """
    project       text
    version       integer
    parent        integer?
    state         text  -- proposed current superseded rejected rolled_back theirs
    file          text
    before_sha256 text
    after_sha256  text
    rules         text
    gates         text
    improved      integer
    watching      integer  -- 1 while the runs since are compared with those before
    position      integer
    since         integer  -- position since which it was in the file; 0: never
    unread        text  -- logs that lay on disk then and were not read yet
    undoes        integer?  -- the version it took back
    watch         text  -- how its watch ended; '' while it has not
    unwanted      integer  -- position where it was taken back or rejected; 0: never
    """,
)

JUDGED = Table(
    "view_judged",
    "project",
    """
    project     text
    position    integer
    recorded_us integer
    key         text?
    findings    text
    claims      text
    code        text
    reason      text
    """,
)
"""The last judging of a project, and what came of it."""

TOKENS = Table(
    "view_tokens",
    "day project",
    """
    day     text  -- UTC
    project text
    tokens  integer
    """,
)

ADAPTERS = Table(
    "view_adapters",
    "project version",
    """
    project        text
    version        integer
    state          text  -- trained deployed blocked needs_data ready retired
    path           text
    sha256         text
    dataset_sha256 text
    verdict        text?
    checks         text
    reasons        text
    next_steps     text
    position       integer
    scored         integer  -- position of its scorecard; 0: none
    promoted       integer  -- position of its last promotion; 0: never
    """,
)

OFFERS = Table(
    "view_offers",
    "project offer",
    """
    project   text
    offer     text
    kind      text  -- prompt adapter
    content   text
    robot     text  -- whose version it is
    source    integer  -- which version there
    state     text  -- open declined proposed taken theirs kept rolled_back
    version   integer?  -- which version here; NULL: none yet
    reason    text = ''
    withdrawn integer = 0  -- position where the hub pulled it; 0: never
    position  integer
    """,
)
"""Versions that the hub offered to a project, and what became of each here."""

TRUST = Table(
    "view_trust",
    "project path",
    """
    project  text
    path     text
    sha256   text
    position integer
    """,
)

DEGRADED = Table(
    "view_degraded",
    "code",
    """
    code     text
    detail   text
    position integer
    """,
)

TABLES = {
    table.name: table
    for table in (
        PROJECTS,
        FILES,
        EPISODES,
        EXPORTS,
        DATASETS,
        DEGRADED,
        JOBS,
        PROMPTS,
        JUDGED,
        TOKENS,
        ADAPTERS,
        TRUST,
        OFFERS,
    )
}
"""By name. The order is that of `view_hash`."""
