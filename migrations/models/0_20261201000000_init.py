"""All tables, as they are at the beginning.

Names and constraints that models cannot say are listed in `app/foundation/database/orm.py`. `calls` is partitioned by
month of the id (a UUIDv7, which begins with its time), with a default partition for what no month is there for.

`call_accounts`, `stored_credentials`, `calls` and `call_keys` can be distributed by account: it is in each of their keys.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

TABLES = """
CREATE TABLE IF NOT EXISTS service_providers (
    id UUID NOT NULL PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    active BOOL NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS service_providers_name_unique ON service_providers (name_key);

CREATE TABLE IF NOT EXISTS accounts (
    id UUID NOT NULL PRIMARY KEY,
    service_provider_id UUID NOT NULL REFERENCES service_providers (id) ON DELETE RESTRICT,
    name VARCHAR(64) NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    active BOOL NOT NULL,
    usage_unit VARCHAR(8) NOT NULL,
    usage_maximum INT NOT NULL,
    licensed_sessions INT NOT NULL,
    sip_realm VARCHAR(132),
    webhook_secret BYTEA NOT NULL,
    previous_webhook_secret BYTEA,
    previous_webhook_secret_expires_at TIMESTAMPTZ,
    registration_webhook_url VARCHAR(2048),
    registration_webhook_method VARCHAR(4),
    registration_webhook_username VARCHAR(255),
    registration_webhook_password BYTEA,
    queue_event_webhook_url VARCHAR(2048),
    queue_event_webhook_username VARCHAR(255),
    queue_event_webhook_password BYTEA,
    device_calling_application_id UUID,
    siprec_application_id UUID,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL,
    CONSTRAINT accounts_limits_check CHECK (usage_maximum >= 0 AND licensed_sessions >= 0),
    CONSTRAINT accounts_previous_webhook_secret_check CHECK (
        (previous_webhook_secret IS NULL) = (previous_webhook_secret_expires_at IS NULL)
    ),
    CONSTRAINT accounts_registration_webhook_check CHECK (
        (registration_webhook_url IS NULL) = (registration_webhook_method IS NULL)
        AND (registration_webhook_method IS NULL OR registration_webhook_method IN ('GET', 'POST'))
        AND (registration_webhook_username IS NULL) = (registration_webhook_password IS NULL)
        AND (registration_webhook_username IS NULL OR registration_webhook_url IS NOT NULL)
    ),
    CONSTRAINT accounts_queue_event_webhook_check CHECK (
        (queue_event_webhook_username IS NULL) = (queue_event_webhook_password IS NULL)
        AND (queue_event_webhook_username IS NULL OR queue_event_webhook_url IS NOT NULL)
    )
);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_name_unique ON accounts (service_provider_id, name_key);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_sip_realm_unique ON accounts (sip_realm);
CREATE INDEX IF NOT EXISTS accounts_by_name ON accounts (name_key, id);
CREATE INDEX IF NOT EXISTS accounts_by_provider ON accounts (service_provider_id, id);
CREATE INDEX IF NOT EXISTS accounts_suspended ON accounts (id) WHERE NOT active;
CREATE INDEX IF NOT EXISTS accounts_suspended_by_name ON accounts (name_key, id) WHERE NOT active;
CREATE INDEX IF NOT EXISTS accounts_suspended_of_provider ON accounts (service_provider_id, id) WHERE NOT active;
CREATE INDEX IF NOT EXISTS accounts_suspended_of_provider_by_name ON accounts (service_provider_id, name_key, id)
    WHERE NOT active;

CREATE TABLE IF NOT EXISTS api_keys (
    id UUID NOT NULL PRIMARY KEY,
    scope VARCHAR(16) NOT NULL,
    access_level VARCHAR(16) NOT NULL,
    service_provider_id UUID REFERENCES service_providers (id) ON DELETE RESTRICT,
    account_id UUID REFERENCES accounts (id) ON DELETE RESTRICT,
    name VARCHAR(64) NOT NULL,
    public_id VARCHAR(16) NOT NULL,
    secret_hash BYTEA NOT NULL,
    previous_secret_hash BYTEA,
    previous_secret_expires_at TIMESTAMPTZ,
    previous_secret_last_used_at TIMESTAMPTZ,
    rotated_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    created_by_scope VARCHAR(16),
    created_by_key_id UUID,
    created_by_user_id UUID,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL,
    CONSTRAINT api_keys_owner_check CHECK (
        (scope = 'ADMIN' AND service_provider_id IS NULL AND account_id IS NULL)
        OR (scope = 'SERVICE_PROVIDER' AND service_provider_id IS NOT NULL AND account_id IS NULL)
        OR (scope = 'ACCOUNT' AND service_provider_id IS NULL AND account_id IS NOT NULL)
    )
);
CREATE UNIQUE INDEX IF NOT EXISTS api_keys_public_id_unique ON api_keys (public_id);
CREATE INDEX IF NOT EXISTS api_keys_by_account ON api_keys (account_id, id);
CREATE INDEX IF NOT EXISTS api_keys_by_provider ON api_keys (service_provider_id, id);
CREATE INDEX IF NOT EXISTS api_keys_of_installation ON api_keys (id) WHERE scope = 'ADMIN';

CREATE TABLE IF NOT EXISTS recording_configs (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    enabled BOOL NOT NULL,
    audio_format VARCHAR(8) NOT NULL,
    bucket_vendor VARCHAR(16),
    endpoint_url VARCHAR(2048),
    bucket_name VARCHAR(63),
    region VARCHAR(64),
    access_key_id VARCHAR(256),
    secret_access_key BYTEA,
    secret_access_key_set_at TIMESTAMPTZ,
    s3_tags JSONB NOT NULL,
    record_all_calls BOOL NOT NULL,
    fingerprint VARCHAR(32) NOT NULL,
    storage_status VARCHAR(16) NOT NULL,
    storage_status_since TIMESTAMPTZ NOT NULL,
    last_verification JSONB,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL,
    CONSTRAINT recording_configs_keys_check CHECK (
        (access_key_id IS NULL) = (secret_access_key IS NULL)
        AND (secret_access_key IS NULL) = (secret_access_key_set_at IS NULL)
    ),
    CONSTRAINT recording_configs_enabled_check CHECK (
        NOT enabled OR (
            bucket_vendor IS NOT NULL AND bucket_name IS NOT NULL AND region IS NOT NULL AND secret_access_key IS NOT NULL
            AND (bucket_vendor <> 'S3_COMPATIBLE' OR endpoint_url IS NOT NULL)
        )
    )
);
CREATE UNIQUE INDEX IF NOT EXISTS recording_configs_account_unique ON recording_configs (account_id);
CREATE INDEX IF NOT EXISTS recording_configs_enabled ON recording_configs (account_id) WHERE enabled;
CREATE INDEX IF NOT EXISTS recording_configs_by_status ON recording_configs (storage_status, account_id);

CREATE TABLE IF NOT EXISTS audit_events (
    id UUID NOT NULL PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    scope VARCHAR(16),
    key_id UUID,
    user_id UUID,
    operation VARCHAR(64) NOT NULL,
    object_kind VARCHAR(2),
    object_id UUID,
    account_id UUID,
    service_provider_id UUID,
    former_service_provider_id UUID,
    before JSONB,
    after JSONB,
    request_id VARCHAR(64),
    address VARCHAR(64)
);
CREATE INDEX IF NOT EXISTS audit_events_of_account ON audit_events (account_id, id);
CREATE INDEX IF NOT EXISTS audit_events_of_provider ON audit_events (service_provider_id, id);
CREATE INDEX IF NOT EXISTS audit_events_of_former_provider ON audit_events (former_service_provider_id, id)
    WHERE former_service_provider_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_events_of_object ON audit_events (object_id, id);
CREATE INDEX IF NOT EXISTS audit_events_by_time ON audit_events (at);

CREATE TABLE IF NOT EXISTS audit_prunings (
    id UUID NOT NULL PRIMARY KEY,
    until TIMESTAMPTZ NOT NULL
);

CREATE TABLE IF NOT EXISTS idempotency_records (
    id UUID NOT NULL PRIMARY KEY,
    actor_id UUID NOT NULL,
    operation VARCHAR(64) NOT NULL,
    key VARCHAR(255) NOT NULL,
    input_hash BYTEA NOT NULL,
    made_id UUID,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS idempotency_records_key_unique ON idempotency_records (actor_id, operation, key);
CREATE INDEX IF NOT EXISTS idempotency_records_by_time ON idempotency_records (created_at);

CREATE TABLE IF NOT EXISTS applications (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    name VARCHAR(64) NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    calling_webhook_url VARCHAR(2048) NOT NULL,
    calling_webhook_method VARCHAR(4) NOT NULL,
    calling_webhook_username VARCHAR(255),
    calling_webhook_password BYTEA,
    call_status_webhook_url VARCHAR(2048),
    call_status_webhook_method VARCHAR(4),
    call_status_webhook_username VARCHAR(255),
    call_status_webhook_password BYTEA,
    record_all_calls BOOL NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL,
    CONSTRAINT applications_webhooks_check CHECK (
        (calling_webhook_username IS NULL) = (calling_webhook_password IS NULL)
        AND (call_status_webhook_url IS NULL) = (call_status_webhook_method IS NULL)
        AND (call_status_webhook_username IS NULL) = (call_status_webhook_password IS NULL)
        AND (call_status_webhook_url IS NOT NULL OR call_status_webhook_username IS NULL)
    )
);
CREATE UNIQUE INDEX IF NOT EXISTS applications_name_unique ON applications (account_id, name_key);
CREATE UNIQUE INDEX IF NOT EXISTS applications_id_account_unique ON applications (id, account_id);
CREATE INDEX IF NOT EXISTS applications_by_account ON applications (account_id, id);

CREATE TABLE IF NOT EXISTS webhook_deliveries (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    kind VARCHAR(16) NOT NULL,
    method VARCHAR(4) NOT NULL,
    url TEXT NOT NULL,
    request_headers JSONB NOT NULL,
    request_body TEXT NOT NULL,
    status INT,
    duration_ms INT NOT NULL,
    reply TEXT,
    reply_truncated BOOL NOT NULL,
    reason TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_account ON webhook_deliveries (account_id, id);

CREATE TABLE IF NOT EXISTS users (
    id UUID NOT NULL PRIMARY KEY,
    scope VARCHAR(16) NOT NULL,
    service_provider_id UUID REFERENCES service_providers (id) ON DELETE RESTRICT,
    account_id UUID REFERENCES accounts (id) ON DELETE RESTRICT,
    email VARCHAR(254) NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    name VARCHAR(64) NOT NULL,
    password_hash TEXT NOT NULL,
    password_set_at TIMESTAMPTZ NOT NULL,
    must_change_password BOOL NOT NULL,
    active BOOL NOT NULL,
    last_login_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL,
    CONSTRAINT users_owner_check CHECK (
        (scope = 'ADMIN' AND service_provider_id IS NULL AND account_id IS NULL)
        OR (scope = 'SERVICE_PROVIDER' AND service_provider_id IS NOT NULL AND account_id IS NULL)
        OR (scope = 'ACCOUNT' AND service_provider_id IS NULL AND account_id IS NOT NULL)
    )
);
CREATE UNIQUE INDEX IF NOT EXISTS users_email_unique ON users (email_key);
CREATE INDEX IF NOT EXISTS users_by_account ON users (account_id, id);
CREATE INDEX IF NOT EXISTS users_by_provider ON users (service_provider_id, id);
CREATE INDEX IF NOT EXISTS users_of_installation ON users (id) WHERE scope = 'ADMIN';

CREATE TABLE IF NOT EXISTS sessions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    public_id VARCHAR(16) NOT NULL,
    secret_hash BYTEA NOT NULL,
    user_agent VARCHAR(256) NOT NULL,
    address VARCHAR(64) NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_public_id_unique ON sessions (public_id);
CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user_id, id);

CREATE TABLE IF NOT EXISTS login_failures (
    id UUID NOT NULL PRIMARY KEY,
    subject BYTEA NOT NULL,
    network VARCHAR(64) NOT NULL,
    tried_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS login_failures_by_subject ON login_failures (subject, tried_at);
CREATE INDEX IF NOT EXISTS login_failures_by_network ON login_failures (network, tried_at);
CREATE INDEX IF NOT EXISTS login_failures_by_time ON login_failures (tried_at);

CREATE TABLE IF NOT EXISTS password_policies (
    id UUID NOT NULL PRIMARY KEY,
    minimum_length INT NOT NULL,
    needs_digit BOOL NOT NULL,
    needs_symbol BOOL NOT NULL,
    refuses_common BOOL NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL
);

CREATE TABLE IF NOT EXISTS call_accounts (
    id UUID NOT NULL PRIMARY KEY,
    service_provider_id UUID NOT NULL,
    newest_month UUID,
    CONSTRAINT call_accounts_account_fk FOREIGN KEY (id) REFERENCES accounts (id) ON DELETE RESTRICT
);
CREATE INDEX IF NOT EXISTS call_accounts_by_provider ON call_accounts (service_provider_id, newest_month, id);

CREATE TABLE IF NOT EXISTS stored_credentials (
    id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES call_accounts (id) ON DELETE RESTRICT,
    vendor VARCHAR(16) NOT NULL,
    endpoint_url VARCHAR(2048),
    access_key_id VARCHAR(256) NOT NULL,
    secret_access_key BYTEA NOT NULL,
    fingerprint BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS stored_credentials_fingerprint_unique ON stored_credentials (account_id, fingerprint);
CREATE INDEX IF NOT EXISTS stored_credentials_by_id ON stored_credentials (id);

CREATE TABLE IF NOT EXISTS calls (
    id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES call_accounts (id) ON DELETE RESTRICT,
    application_id UUID,
    gateway_call_id VARCHAR(128) NOT NULL,
    direction VARCHAR(8),
    from_number VARCHAR(255) COLLATE "C",
    to_number VARCHAR(255) COLLATE "C",
    started_at TIMESTAMPTZ NOT NULL,
    answered_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    sip_status INT,
    termination_reason VARCHAR(255),
    trunk VARCHAR(255),
    trace_id VARCHAR(128),
    recording_state VARCHAR(16) NOT NULL,
    recording_format VARCHAR(8),
    recording_size_bytes BIGINT,
    recording_duration_ms BIGINT,
    recording_vendor VARCHAR(16),
    recording_endpoint_url VARCHAR(2048),
    recording_bucket VARCHAR(63),
    recording_region VARCHAR(64),
    recording_key VARCHAR(64),
    recording_credential_id UUID,
    recording_error JSONB,
    recording_attempts INT NOT NULL,
    start_reported BOOL NOT NULL DEFAULT FALSE,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT calls_recording_check CHECK (
        (recording_state = 'NONE') = (recording_key IS NULL)
        AND (recording_key IS NULL) = (recording_bucket IS NULL)
        AND (recording_key IS NULL) = (recording_region IS NULL)
        AND (recording_key IS NULL) = (recording_vendor IS NULL)
        AND (recording_key IS NULL) = (recording_format IS NULL)
        AND (recording_state <> 'STORED' OR recording_size_bytes IS NOT NULL AND recording_duration_ms IS NOT NULL)
        AND (recording_state <> 'FAILED' OR recording_error IS NOT NULL)
    ),
    CONSTRAINT calls_recording_credential_fk FOREIGN KEY (account_id, recording_credential_id)
        REFERENCES stored_credentials (account_id, id) ON DELETE RESTRICT,
    PRIMARY KEY (account_id, id)
) PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS call_keys (
    id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES call_accounts (id) ON DELETE RESTRICT,
    gateway_call_id VARCHAR(128) NOT NULL,
    PRIMARY KEY (account_id, gateway_call_id)
);
CREATE INDEX IF NOT EXISTS call_keys_by_id ON call_keys (id);
CREATE INDEX IF NOT EXISTS calls_by_id ON calls USING hash (id);
CREATE INDEX IF NOT EXISTS calls_by_gateway_call_id ON calls USING hash (gateway_call_id);
CREATE INDEX IF NOT EXISTS calls_walked ON calls (id) WHERE recording_attempts >= 0;
CREATE INDEX IF NOT EXISTS calls_by_application ON calls (account_id, application_id, id)
    WHERE application_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS calls_by_from ON calls (account_id, from_number, id);
CREATE INDEX IF NOT EXISTS calls_by_to ON calls (account_id, to_number, id);
CREATE INDEX IF NOT EXISTS calls_recorded ON calls (account_id, id) WHERE recording_state <> 'NONE';
CREATE INDEX IF NOT EXISTS calls_underway ON calls (account_id, id) WHERE recording_state IN ('RECORDING', 'STORING');
CREATE INDEX IF NOT EXISTS calls_by_credential ON calls (account_id, recording_credential_id)
    WHERE recording_credential_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS calls_default PARTITION OF calls DEFAULT;

CREATE TABLE IF NOT EXISTS key_checks (
    id UUID NOT NULL PRIMARY KEY,
    name VARCHAR(48) NOT NULL,
    check_hash BYTEA NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS key_checks_name_unique ON key_checks (name);

CREATE TABLE IF NOT EXISTS aerich (
    id SERIAL NOT NULL PRIMARY KEY,
    version VARCHAR(255) NOT NULL,
    app VARCHAR(100) NOT NULL,
    content JSONB NOT NULL
);

ALTER TABLE accounts
    DROP CONSTRAINT IF EXISTS accounts_device_calling_application_fk,
    ADD CONSTRAINT accounts_device_calling_application_fk FOREIGN KEY (device_calling_application_id, id)
        REFERENCES applications (id, account_id) ON DELETE RESTRICT,
    DROP CONSTRAINT IF EXISTS accounts_siprec_application_fk,
    ADD CONSTRAINT accounts_siprec_application_fk FOREIGN KEY (siprec_application_id, id)
        REFERENCES applications (id, account_id) ON DELETE RESTRICT
"""
TRIGGERS = [
    # An account's row in call_accounts is made, moved and deleted with it. As long as it has calls, it cannot be deleted.
    """
CREATE OR REPLACE FUNCTION call_accounts_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO call_accounts (id, service_provider_id) VALUES (new.id, new.service_provider_id);
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE call_accounts SET service_provider_id = new.service_provider_id WHERE id = new.id;
    ELSE
        DELETE FROM call_accounts WHERE id = old.id;
    END IF;
    RETURN old;
END $$
    """,
    """
CREATE OR REPLACE TRIGGER call_accounts_follow AFTER INSERT OR UPDATE OF service_provider_id ON accounts
FOR EACH ROW EXECUTE FUNCTION call_accounts_follow()
    """,
    """
CREATE OR REPLACE TRIGGER call_accounts_go BEFORE DELETE ON accounts
FOR EACH ROW EXECUTE FUNCTION call_accounts_follow()
    """,
    # Nothing changes an audit event, and it is deleted only when a pruning says so.
    """
CREATE OR REPLACE FUNCTION audit_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT 1 FROM audit_prunings WHERE old.at < until) THEN
            RETURN old;
        END IF;
        RAISE EXCEPTION 'audit events are kept' USING ERRCODE = 'restrict_violation';
    END IF;
    RAISE EXCEPTION 'audit events are never changed' USING ERRCODE = 'restrict_violation';
END $$
    """,
    """
CREATE OR REPLACE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events
FOR EACH ROW EXECUTE FUNCTION audit_events_stay()
    """,
    """
CREATE OR REPLACE TRIGGER audit_events_are_kept BEFORE TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_stay()
    """,
]


async def upgrade(db: BaseDBAsyncClient) -> str:
    return ";\n".join([TABLES, *TRIGGERS])


async def downgrade(db: BaseDBAsyncClient) -> str:
    raise NotImplementedError("restore a backup")


MODELS_STATE = (
    "eJztXXtz2sqS/ypT/JOcLY7XsfNae2uriE1yuHGMr8HxPXfZEjIasK7FiKOHCXv2fPftnp"
    "FAbyTxsFAmVcEgTc9I3fPo6f51z5+NqalRwz7qUetZH9Eby3zWNWo1zsifDaZOKXxJK9Ik"
    "DXU2WxXAC476YHAaWxRWZl5pfld9sB1LHTlQYKwaNoVLGrVHlj5zdJMh2RDbVJ7oYkh0m8"
    "wfVYdM1SdqE7xuEwcvGKb5BN8oseEaoX+4qnFObErJEB7n33nBo9lieIQtauYImtTZZBeV"
    "u0z/w6WKY04oUCDP/vt/4LLONPqD2v7P2ZMy1qmhhViqa1gBv644ixm/dnfXufzMS+KDPy"
    "gj03CnbFV6tnAeTbYs7rq6doQ0eG9CGbVUh2oB1jLXMDxx+JfEE8MFx3Lp8lG11QWNjlXX"
    "QAE1/nPsshHKhcCbH4EMmaPDA1v2EaNzRdf+y3vMAImiXHf7Sq/dV5RGTLb4OBGJeJdGJs"
    "N+oTMHmfbnX6LeFXP41QY2cPFb6/b16ftfODtM25lY/CZnXeMvTqg6qiDlAlhxnP+N8fzi"
    "UbWSee6Xj3AdHrQMv/0LK4avBoDPPp9BO2BpY6r+UAzKJs4j/Hz/NoPF31u3nMvv33Iumz"
    "BexYi+9u6c8FvI7DBzcWDFGdynP5x0Bvs0tWByBlP77X/0seapbf9hBJn5+lvrH5zP04V3"
    "56p7/cUvHmD+xVX3U4TpMJHqzwl9+pNpGlRlyVxfEUV4/gBUu2K6P7nsl+mfut2rENM/da"
    "Jcvfv2qX37+g2XABTSHX65c92PsHpkUWSJojpxdl/CHUef0mR+hykjPNc80iP/ywH2+ga8"
    "oNZlxsKTc9Yo6Hxr9/qtbzchqVy2+m28cxIaBv7V1+8j09CyEnLf6f9G8Cf5Z/e6HV0Slu"
    "X6/2zgM6muYyrMnCuqFljv/Ks+10JSd2daSamHKaXUqyJ1n0cBsXtPv5L6M6g4yI2YyDss"
    "ZSULUEREDezalXDf7EqyE3yCX0/evP3w9uPp+7cfoQh/yuWVDxnCFlMnqr3jp4Aahhce1N"
    "HTXLU0JXQnuJyNTBcfIr6geZSfv95SQ3WSWe1tUlqilgMcUn/53cq/mtQ51ZmOOtOmTJrp"
    "X4XitYZH3ix5UCxybW+3WZ4/dzbNo4AeCndw9JknZtp4jN+ankyjV1SmTvgrYdvYUmS8Jd"
    "gLAkMx3U4QHPXrzQM9CvqUYxOVaWSm2vbctDT4ZcF2naoG1chrvk2nbGQtOBHu1X85Jyps"
    "9H/oU3dKzDE5JlNQj23iMkOfgsqnxS0FO2pnwAbs4rf2xVebPJqGJkwQExNtD54N4YzbHm"
    "YWfdZN1yZz+vCIBgmbPw9/HB0eizKtCW15d19BE9BhuRUj9MRN/ouZziO8Fj6ROmB+jXMd"
    "Or7r8Orubq+kPUPaMw5orZT2DGnPkPaM8vYM14bVXIF3TtjZ4hTSZu6U87sDD6eyEY3vcE"
    "M17K+/N+6w4Tto96jX7vU63etewXm74dOdEf/bgH3rXN/123DJ+xLVCPJMQx9zzEIfUyeh"
    "j9E5SHDY0ycK7EZjdPvbkx7varrfwp40yFpDH1FmU02xqY0794TtQip7E2kli6MstvWZYo"
    "GunNBz03WUEFGpOaViW7LwBPHm9CTHFAGlUicJfi/MaE+hV8QWIWH11JlqLZL5HaeNLqIL"
    "h9r1Ul0+oeIRXEWBuZ86163b35N1F798UD3/9Hu/3YrIwd+zKZsIJKOSkpKp2ICojmAU+m"
    "OmA1kJ636+Grdg9T8c4VXcyB/37Vh0ouO7IQ+WcnQto8hylVVH/Vavk+O3eTRcLJa6fomb"
    "f62XxJQC+xJsSvk2J2uqrLBsGl/a/TMCHwN20+3BV/wssxnJYxJJt4jEDCLJXd2mVlEz1N"
    "qKKiycsgPn3bs84+bdu/Rhg/dyCMQ3/BZTOtZWJVWPkqoHvLdLFfpMmVN2jcmoooYjZUdL"
    "TCITS0xe6+qpoUR2MXclsbHc1LWuJjlzlZy5NMrR2yPVMODJFHU2M/SRWCGKufrWVrSBF/"
    "BwxLTWzxcynFl0tAHHUyuQnJagznrD+ySo82eUugR17t+7E4nuKrpEJZNvExB0sCtUDDub"
    "zvU4yz+bFtUn7CtdxAxkyUjHhJi+w+R0DPUIly11voSqpfU5YAkwggqgxC1MM7edC+jtuQ"
    "DLEosrsbibcAfUdNin4rYIyo31yYacuvWru+C11WgsJzq84Z11WKR1uiHb7kV9l6K6PCPx"
    "INkW2A9uPGMta6oTs3aKkheTfBJIfjn9Z2DkAwvNeox8i3CIOXFgZJChPTJndEgckwPLzT"
    "nIighFzD4jrctvnWvyqNqEmQyq4kUQ+m0T+gMaMRZ4SbfsOEJ+J60gPv7SxSaISizT4X3s"
    "lU1MGJiGOiPDpefd87hDpY9DYiBUn9dqaD5UXmfEZY5uxGlWXvohNDj09/IPC+XfhsR0HZ"
    "wGeG3AcmJaAlvPcwPAxQWxZ1R94mB6puEVi45B6eKxAcwkY6GAIa0tMfWHhqnn3bis03lJ"
    "XGXwd4MPRm9MDlivffu9c9FWbm673zuX7VuExIavDFjr4qJ7d90HGvGljDf6zfs8wLeofS"
    "CAe3sf9SGooxG1bWjhmab409ZLLFpHpQX3+e7q6ozg54DdtluXSvf66vczsvw6YF9a/fZ9"
    "C655X6ohKBmnssM4lZn7AKpYovUlncMhohqyeft9OKBtFPNPRgglura5KYiztCjSapAu4i"
    "2JZAt4WomjrbhfJe5Oi8rOUG0HMTFlHGzr6pI9oco9ge/XS8k9TCmlXGUpl5/l5ax+OFKG"
    "idh8KjeWQ5RSylWW8iZrtVybD0nSASP3RjbOpHoqDHqujbUzwPcnuiiItkkklmDQVA6jw6"
    "c8iwPUkscScFtv6KUE3P6MUpeA270Dbr00iQWXpTCVXI4qDmKuDZerjmGuJqO3DGFOmD62"
    "wOz8+ZUPlMnhObMwPHyXKMIrc6Kzz6puuBZtJGAJQ/ebWYhCA0sqY1E0N67QsRYI8QNihN"
    "dxSBxWQbUm4uT4b90mDxTxe1NVo2dE51fmlu44lMEdDpXjGW69IF28jUfuUI2oThLKcOdt"
    "IuZwaLsP/6Ijh58LpCJ4D+6hgxhxfkhKf51CowTUH2CX3SRzxP2RGTVnBtQNIySQJdgxzX"
    "MyZNSBn0/eSUNYGp5rhBl6x5Y5PSIw8IgKTXtVijeZqzYZQ+/TiKM+USYAh4gsTHom1X6i"
    "FoIjEW3Z9OGIRNf8AjH8IlJoEpV4cKhE0TnjbM9EnqyIJOqkWRLi4A3iZGtpCnxtRVJDaN"
    "X2EWzQeinbQJCuhpaBw7UECANQbAfwMhrTjbcq35iGPkqMv4iUyNSa/DVemWFhPa/idI9r"
    "70o/eFQxvsAEzeSMmIwSy5z7ifoZruqgm2D8g4ho8DoWngSAAQb0GQMrHlU2STq1YJcN1V"
    "tjOPb+/co/PuDHR/+n9+/NYSkNU51h/md/6o4JINUMFyfcozXuULIbM0o1W9H0SVIC9cx8"
    "9RHKPSatX1452Kz1gnf2YvpgJsR85GD7ilTyvQDfLTqGTaQN7JxOk0z6mZyPE8uDGuTBkz"
    "+v80y6TH9GqUuXadUOntzltrMnjgZpJOw3/VvNrI1m8GiRPIZ5bs4XNl4RZu/gEXGwcyNd"
    "RpdGcn4JvwiPhnZOhkEUJzdVQ6d0Hseu4Yfyw27AdWiSYX4vbdZ711kzO7UMRpXBqJWylO"
    "7KLcAhnjDzJznU03t6mKqGXf3kXZ6+DqUyckXH8zwI/2gRRgdIasjl7btg5B4znfWHudvI"
    "s8esWPBP1SR/IJLOFf1ToZhNKebdiblE3Mp2glUOSKjlgauuvRWwas50phVl6Vr0ZKBDVQ"
    "o6ydmeYI7xxZFui1mmsN1i5sUm4UA/i7RuOiJVIBlSRBhigJ4HGVQdMlWfoCJnbvrAQyp8"
    "9Ta8wwYZGbfROkdNLvEQIg0jELasiclOBCiROPSH0yQz1QICB7M9IvbAVg1MzjgyXO2nQB"
    "bUzMYjMyQeTMwwH9JF9s1LgiqLp7RtIs+2GUpl2CZiG+flpBnnch/mvgwu+0S14HSWDt3+"
    "Rz+kPvv8TDbA+cUD/L9Am5zMKLm/jJLBNb1Iv44R1oLd++7bSy7a1CmTQS1OLjftld60T1"
    "3bUQTQNusMxCyEVVoVe8RZvZB/Z3s4K9jX6c8Jq0om41dEEtKWn9XceCwCEEtanoPEMu9U"
    "lWc36VpKV+Tq61qS8MW6SV3CF2XGl6ouijLjSwW4LDO+yIwvh8rkDTO+BHv6CrYd2UYWOF"
    "4vgBA/MOUmjeE7PVoveuplgpM34WDMdH9v4qGc632/wzGQUGsGDPJQ7ehD9TKx2A4MOo3/"
    "gZcgNnUcKG2fE5XAyIZCvAPaxATFkMwfdcPLFmPh6ZZLpysGccfdvvtqWOTJERBi7+As31"
    "1sU9VAaD+Qoot3uLoNY2rIE9g8mM6jOC0PU9LwXxgx8Jq7rH8RYelDylAIQMGjNckzZZpp"
    "NQfswR09UadJLDrhjlQoy2sQLzn1a5He5EPzJnsCL2h2C1DJMN4iNk5X02GiNa1p0sY855"
    "F5kTr25+RptLDpz7zlo283pwV7euO+9f2MwMeAAfEZ8Wso6HD7mMPf9jHV3fYx6m0TM5si"
    "ZrqyMolVUumM7Pc9pQf8F38HrHeqXHS/3bT6nU9X7TMS+llGQDvAUTBtZkJjimsVg1NE6C"
    "oslbKgiuO3ecYDFkuHVfCbiaOiqJ8/QlY/fr8/zePtP0339p9GOS00qiJMXlHUkL9bR1OE"
    "NOEibI4R1o/bOwkXi21QEnTL9SGSYXJ5QmTJOMkYN0uiWrLqkf7f6riE4p5A+1Rx1EmCQe"
    "xvve51irBXJFHZ6iOH/B8xdHtnzqHABvvB1Q1HZ/YRtvcS+2pkUUjOMXxZFEoWESBWEMWX"
    "CeuWohqGMoKPJFNldjKnOLncgxfYgweMdUXUgQhZLaCVYW3g9CSHMnB6kqoL4K3I6iOMng"
    "rsmh03JYA8R8xCrJY9mjx6ovEeb/vo7vp7+7bzudO+LGr7WFGekdX3Abvv3n7tXH85I96X"
    "Afvc6lzxK96XamzBw0JQbN2TVCElIqWOGoJM6qRBcMDfM7X0sT5aOs7y6hKJxBtpFYejK+"
    "5EfZB4vvQ58DCRXRLP9zNKXeL5fjY8X9UGzk6gZi8BeqooYw/5nKseR61cwH/EN6hGIymP"
    "ZrRMMzOhJi+tjJbFc6J6oMN4gBqVLIFB/JgmD1kz153HJnmiMyd4oEKwsMCyIE7lTBzbJP"
    "hOpuoCj2YiJsJUoD7cj8TRPft+AI7yiSKKoqdPecAc4ns4V4gczCbRJGIoiPO6lu2diawS"
    "eujJlxCjAUNSYsOenNr+aRVHpI/Hdln6VLUW/DgroH696rhNomsS9XNwqJ/N0A4bwhz2NF"
    "1LnEOdPJU7wjm8sHe4aprLz+Uerhr3X8A/nOkMyZJDtjtESiC3BKQ9L302OkzLTh57njRF"
    "HJIp4kI1DGmOeEFzBALPnfYz5c8eM0QE7jazTBCInHcUigULHLitT2ChI94ZWpjNUeR5gR"
    "034VURtAwg3/nxz6Z3zAbfQPtHcCyArxNxBDTGzhD+wDcWdBC0FRiGObeTD97eU9teYFEs"
    "0NELZkIDgLgmarXUkFkBHwJ/4ipzjidt83aWNg7zmdpNkQJz+VgOGZlTeCM8iHvAoJEhxj"
    "NAm0kPcUSGJj9JWXmCERR4JjrWf/hhVqLEK5v0OpfSHnFo9ojiyk9tlZ4DUXLyYQ9fLlXp"
    "vmJpapKpNM0Akj7tpVo+fsrkC5VIAl9LbsIkYKWgjtKtcyGiGlrmth8mE9CwCjE6TFbhqb"
    "qsDTSPBTTd/pnC5mKzQ4hIzg+VAnXUkqcySdM+uJy+5S3C7OxaJM8jcc0U+JWwJUkHMK8o"
    "JGq5PGpZHTtJacfS2b4kkFzfJNQMXttOXhuz4suDVPVT6XYQY77/EzJ/Ag7HXDsv6HvwDO"
    "aNNO+Df7+53v8wE0VzeiD6ImHXKjnYUHQX8usUTb9kiiKA/0PP9m8Lx4BNTEPzrf5D0HR1"
    "Y9hEOCC3wVsqs1VuPo67HfbRoLTNV05FSrfNc1kWNc8viaSFvnIW+orMqx2NTmemQ9loIb"
    "JDJk2u8UKZM6y+Kq4I+HXOabY75hMVlDEt8pqjrTFLoorwbOuXJr85dR3V8bMf4gVeSLgf"
    "R4YOw/yVfS5w4FDIdjlEjc+kTX7W38lb8mi6VoKrd++tywn4gCZg3i0K27dWNBInJF0KL7"
    "ErSsT2pjO4TufxRXHU73LhqN9l4KjfRbmrs5nrpBwRlwXcDdNJ3G6zJG53qmq04KQcIJF2"
    "WYmCltuNfW437unDo2k+XVJDf6bWopGw2YgWydxqzEVhBMliaZ3m3WmA6o6Ju47IEHqubb"
    "IhsdUFHvi9QFykpms8LTtX4KkmkJ26zd9GYCtFoXMyFGl0huG7zHwwtQVQ2XNqecd7h/ca"
    "+22fQ0t9i/IjhRnQskU++uGfyP4meVYNl/41RIioibGwY/Kg2vqIQEd65BGqpuuIwFXYqi"
    "xgE2PIQ8sPbg+TjitZDwTcCFyyr2DT2/aXTq9/2+p3utdnJPhrwP5+175rK+3vbYT9BX5E"
    "x+bLQP+mMHzM0sJZUVdaPF/awHr4GLCbbg++4mcZ9ufZJKXvkWJbpMQ43/QDnjcJ7z0ktW"
    "YXxzpH1qAivugE0v3nRa2hWxo1hSLdP0onx0GJcZCWizM1pVRq2s18GaUqtl3ddk4pzRVW"
    "QWVahKcRqv2l6jogzlp0ZhScHjyCOgAq9r88AvMUYAIbcR7F+L4mKXWMeo85qV/IsLi9lN"
    "RiI16sr/sUsrMX7+zS2pg+i8ucCzLnQhVyLsh8Cy+Zb2E2M/x83UmQx8DtZibicVUwPxCH"
    "qqNH4pnXmxwCg81zQ/RMte25aWk5DjQ9Xxa2eWlxQmoi9manDaIB/N6zYqvc8k7EjmrVIl"
    "4zx0R3bCLmHVEBN6rLg1UP1OJd9Oi8jc7Mq9oUuGtoCf5Nzh2XrjIHaWrB5L1rzTBP4aHc"
    "vuezYJLKFPJaiGI/ySqjHNzMc5NeW5VFUlVPTqx3e1rERiMkUEcdtvl7QMVFWeirZAn2rA"
    "yMXFYt8ijKsoku8cg67+inDZaQlCpqOD52uIpEmbj5SpJeY4UlU+XFJNbPSy4oWfVUWDRV"
    "W1SibCy/sGTVJBeXkouLPFT1ZT1Y0qOSPkHV16MiT6Wrm9QTUPzyVDp5Kl01lAfplvzJ3Z"
    "KYh7+R4I/k15tZjsilVrfeA3mjWo6OP6hGHhZkajKHH7k21LVhk8x5kAouSiIPueosg/Ch"
    "iVd4tBrQ4wFwY9XCP3hrrFu2Qyw6M+HWE6NzojtxT+S+GkaPZI5T3c54xTZ8MvJAiabjkz"
    "64jng6r/ARDwOyxFLunVQ3cTHzAM8A4t1VxBNQbQiNDwNOYT/HPDMxRwGORHwav2XTdTC2"
    "Ct9Et0iA7Ijccy8svmLikXxQJc+EwEupTBswRmERwqzzM/4G6gRGQJPY5jIhPZCM4Y3gFm"
    "YeC+a3f4VuWTbWJx5oEw/h8xLxa+dCAstDDbGaR+jLnEUDhu2ZNmjNwdc7Ii3CvbogTRo+"
    "KNAxuRd4ZqjeSYTS5VuxRaaZ4fINd+xCq3mMUgYIh7WkCbzvXF3w7XnBfHYJpFX2cJW0fL"
    "05yWMthlLpoWEnMVuxpsPclJ4pY71pOFRBhc2NoJd/6t5dX54R78uAde/63iX/WxnLcB6h"
    "pIskJhA8MEUBrj8kZdNMHwIRsgoLokp2X9wCF2Z1iEgyOhejVypkUTtSmLKGdqTDtRslAL"
    "C9pAAl5Bwh3YKgKzbK6iRnCiwsI+QgnZRwlSVs6zOleCBpiEgGk8ZNwQ61pjoT28C0mLAM"
    "zSORWqog+XQ9y2VPhbjtE0gG52SwOkpOmJbF4xVN/di8kx370pbIp9rSh+8lVLM/m0nj1m"
    "+9h40fXXurWJH9PNKcEfwcsNv2Rff2snP9BRPzeF8HrNfv3vJr3hdxpX0pLrQvB+xzq3OF"
    "v8XfAbtsX7X7eMH7UsYesP38PStR4VEwSVpXUZGv6qnwoGvct76fEfgYsG83p2cEPipgnw"
    "mMG/1/qbIEcEUhYpNULSmthhrpS/9xcnJ6+uHk+PT9x3dvP3x49/F4qTjFb2VpUJ86XzrX"
    "EchSUnS9z9HMZB35hLKNzB1SKiGWPsO+z0yxsRWZtlb1VHnaat33lB7MV+IvLDqnykX320"
    "2r3/l0BStW6GfVFhhg8MyEZovi9tNrqLCkKgbbX/HwwR090ZRlfh3/V7T14/z70zxhpqfp"
    "Yaan6Ty36KRgvvgk2hryfOuhvSu+FcwfHyOU3C7C7RWGpSB2IaMKCWJIXUktK0nlycpBGS"
    "OVJyNukoLSZ6fqOHQ6c4oYspOJ94dsPt7tRmBr5uww9i9hx5UVkhMnlgE5BQJyZGhGejev"
    "b2iGjCU4pFgChK3LeIIXjifwBZASVhCQT3Z0geK9Z84ogxbz4eXNAGafpwDj2HdGEcbunA"
    "mMuzkXOHV+r+kB4mGbY/MkZR7ofaV+28SiYwSxm/Eog301jFEGXWgrFDhwI0Za7+9XGNCA"
    "4Pyhz7YhBjAs8MRCAak3uYqlQgtNhOcbCJX37tmYnY2BGPwnDwD18TmPSM8cMO64mvKjad"
    "WRZdrLYjb5l6kz73XxgBGoFEMqUJr8wMQj0rf0yYRaGEVAZ9g8/cNVDYTnr573iAwZnWM+"
    "ch6pMRRhGXTAQKexHaJrfnzGMpAjHFMgiPljnItcb+Koef5GInCDn9PSWI75+ocB8Jbw4+"
    "2BQf9taj3rI6rMLPNZ12jR4xpTyOVSHM37FhhwRfgbpZOGiULHqwe3dDjjByw9SY40r47P"
    "X2+pkXZkprfE9nh9F8vqDrdnx/SgWAqRDVnlBznWlT1ott0Ci74K429duLRr9RfZlaL6ep"
    "xco/b6Uluv8t4/6qNHkQEXlCF1qYdyvcgL0iJPsLO1MXpyzkvr2pk4+22qPlHbi2QFpc8/"
    "5zshjHY3zaQEzfIkwEK1m0pNrSpLW5amJgMJXwKWKA1T0jD10mtp83AMUyCqi0c6ekpamp"
    "f3MtdmWJ+UERbLuTgPsZVhMLWEKtY4RtrXF7e/3+BRlsrX9u+9Jia//63V+w1/nZMhb4Uf"
    "KM7Jh/B8KJ6j1XVqD19hAgRu2eDHvcZX7Rdo/2dZqmuRW0Gm018lG82zPmegyxJSwi6HSs"
    "L+KyudZYiuZPLKqjE7yz+7xeyVBcwvu1xpWtSCDVDSOuPdyVxl1FWZdStMOv+3PA+nwjYS"
    "p+EEmIY3l242/+4er70hTCN9qk3N75c+26Yn+KvDhLuTeDgcVAU47BWvIXffHB/n2W8eH6"
    "fvN/FeZEUzGZpt4hxOR9gFSOTpzgWhdS+6mP31/4lf1KI="
)
