"""The accounts API of a voice gateway: whose settings they are, who may see and change each, and where calls are recorded.

The rooms, one per noun; each has `model.py` (what is stored), `service.py` (what is done) and `schema.py` (what is shown):

    accounts/            one customer: the container of everything below   (+ finding.py: one by its id; inputs.py: what a
                         form may hold; contents.py: what goes with it; webhook_secret.py: what signs webhook calls;
                         mutation_schema.py)
    service_providers/   who runs accounts for customers
    api_keys/            what a program shows to be let in      (+ token.py, last_use.py; owner.py: of a new key or user)
    recording/           how calls are recorded, and where to   (+ s3.py: the only way to S3, aws_sdk.py: what it
                         goes by, loaded when it is needed; clients.py: which of it are used again;
                         verification.py and probe.py: the proof that a storage works; answers.py,
                         failures.py, errors.py: what S3 says and means; rules.py,
                         inputs.py: what a form may hold; regions.py, policy.py;
                         settings.py, credentials.py: its keys; stream.py: what a gateway says;
                         admission.py: whether a call is recorded; ingest.py: from its stream to spool.py, the
                         local disk; disk.py: what its errors mean; audio.py: WAV and MP3; upload_worker.py: from the spool to
                         the buckets, by upload.py: one try, uploads.py: S3's calls, backoff.py: when again, crash_recovery.py:
                         what a crash left, storage_health.py: what it says of the storage; retry.py: by hand; set_aside.py:
                         recordings that no call can be made for; credential_retention.py, credential_schema.py: keys of earlier
                         recordings)
    idempotency/         what was made under a client's key     (run_once.py)
    key_checks/          which keys the database was used with
    audit/               who changed what                       (+ trail.py: its events; audited_update.py: one row changed by
                         one statement, with its event; rows.py: by the ids of clients;
                         setting_names.py: what clients call what it tells of; secret_reads.py: who has
                         seen a secret)
    calls/               recent calls, with their recordings     (+ keys.py: their ids; reporting.py: what gateways say of
                         them; filters.py: by what they are looked for; partitions.py: month by month;
                         lifecycle.py: what becomes of a recording; signed_urls.py: signed addresses, and who
                         listened; recording_locations.py: where each was stored; playback.py: from there to a listener; player/:
                         the page that plays one; lookup.py: whether one is in its bucket; deletion.py;
                         call_schema.py;
                         live_schema.py)
    tts_cache/           the cached prompts of an account        (+ cache.py: in the gateway's Valkey; counts.py)
    applications/        what answers a call                    (+ recording.py: whether its calls are recorded, and why)
    webhooks/            an address of the tenant's that we sign and call
                         (+ addresses.py: which may be called; signing.py; delivery.py, request.py: the one call; samples.py:
                         samples; rules.py: from an input to the columns of what has them; retention.py: what is kept, and
                         how long)
    users/               people, sessions, passwords            (+ password.py: Argon2; policy.py, email_addresses.py,
    login_throttle.py,
                         uniqueness.py: what a caller learns of others; user_agents.py, credential_check.py, token.py;
                         sessions.py: login
                         and logout; session_schema.py, policy_schema.py)

What all rooms stand on, and what imports no room:

    access.py            Scope, Viewer, the permission classes: who may use which field, and reach which row
    context.py           what one operation carries from field to field
    orm.py          the connection, the models, and what models cannot say
    url.py      DATABASE_URL: what it may hold, and how it is named to people
    encryption.py        secrets at rest, keyed hashes
    errors.py            the errors a client may meet; anything else is masked
    fields.py             how a room declares its fields
    identifiers.py       SIDs: making them, reading them, which type they name
    pubsub.py          messages between workers, over Valkey
    events.py              what happens to calls, told at once to whoever listens (event_bus.py: between workers)
    logging.py              JSON logs, a request id, one line a request
    embedded.py    the embedded PostgreSQL, where DATABASE_URL names none (embedded_location.py: where it lives)
    masks.py             what is shown in the place of a secret, and must not be saved as one
    metrics.py           counters and gauges for Prometheus
    names.py             names that people give: which are allowed, which count as the same
    networks.py          clients' addresses: the network that one has for itself, and which are trusted proxies'
    guard.py          which hosts we may call: the one gate for every address a tenant gives us
                         (connector.py: how much those hosts may say before they answer)
    pagination.py            lists: connections paged by key
    periodic.py          work that comes back every few seconds, and that no failure ends
    pool.py     connections to PostgreSQL, lent in the order of asking
    revocations.py       what was revoked, so that no worker trusts what it looked up before
    settings.py          every environment variable, read once, typed
    quotas.py            how many objects an owner may have
    concurrency_limits.py            places for work that takes long, and who has them
    owner_pages.py          pages of rows of many owners
    statements.py        what Tortoise makes of a query, once, with slots for the values
    tokens.py            the text form of what lets a caller in
    valkey.py clients of the Valkey server behind CACHE_URL

What puts the rooms together, and what no room imports:

    asgi.py              the ASGI application: routes, middleware, what is opened at start and closed at the end
    worker_process.py    what a worker process does: it ends with its supervisor, and waits for the database
    schema.py            the whole graph; printed to ../schema.graphql
    viewer_schema.py            the caller, as the graph shows it
    limits_schema.py       what the inputs of forms may hold, as the graph shows it
    authentication.py    Authorization header -> Viewer
    execution/           how operations run
    graphiql/            the explorer's page, for a browser with the network closed
    http.py       the HTTP protocol of a connection, bounded in bytes and in time
    websocket.py
                         the WebSocket protocol of a connection, with a short way for audio
    waiting_connections.py
                         slots of connections whose client is to act, of which the oldest gives way to a newcomer
    forwarded.py         the client's address as trusted proxies report it
    serving.py           listening: the port, and uvicorn's limits
    migrate.py         bringing a database to this schema
    schema_version.py    which migrations a database has, compared with those of this code
    reencrypt.py        sealing all secrets again with the newest key
    discard_secrets.py        discarding what a lost key has made
    draft_migration.py          what changed in the models, as a migration to complete
    run.py, local_receiver.py, local_s3.py, local_valkey.py
                         a server with things to look at: `make run` (data.py, calls.py: what there is to see)
    simulate_calls.py         a voice gateway that streams calls, for trying out
    __main__.py          python -m app serve | migrate | create-admin | maintain | spool | rewrap-secrets | discard-secrets |
                         migration | demo | simulate-calls

Start reading with `accounts/`, from `schema.py` down; then `access.py`; then the walk of an operation in `execution/`.
"""
