"""Recording: from a gateway's audio stream to the bucket of the account. The life of a recording:

    gateway ── routes ──> ingest ──> spool ──> upload_worker ──> processing ──> upload ──> bucket
            admission: record it?   (disk)    (schedule, retry)    ├── set_aside: no call or account for it
    RECORDING ────────────────────> STORING ───────────────────────┴── STORED │ FAILED ──> DELETED

`lifecycle` has the state changes in the database, `deletion` and `retry` those that a person requests, `crash_recovery` the
files of a killed process. Start with `routes.py`, then `ingest.py`, `spool.py`, `upload_worker.py`, `processing.py`.
"""
