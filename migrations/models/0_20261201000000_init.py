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
    code VARCHAR(32),
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
    "eJztXftz2ziS/ldQ+iWZK43WsfM65+qqFFvJaOPYXktOZvZ0RVEkLHFNgRyCtKOdy/9+aI"
    "CU+BZJPUzRmKpRZBINQl8Tr+6vG3+15paOTdoZYOfB0PC1Yz0YOnZap+ivFlHnmH3JKtJG"
    "LdW2VwXggqtOTC5DRWHF9kvzu+qEuo6quazAnWpSzC7pmGqOYbuGRUBsDM9U7vFijAyK3B"
    "lGxHLmqmn8G+sI7rFrqstveMT408NIswhUahCXfZ3bqoPpB0QxRmPWuL/dWR7RVaj9byBN"
    "O/Zi3IGm6JbGxAwy3etThbTiWlPMKgOU/+d/2WWD6PgHpsGf9r1yZ2BTjyjB0KECfl1xFz"
    "a/dnvbP//ES8IvmiiaZXpzsiptL9yZRZbFPc/QOyAD96aYYEd1sR5SBvFM01dgcEm0mF1w"
    "HQ8vm6qvLuj4TvVMUGnrv+48osGvRgyEzgqEDnsBiGuwtju0Q/CjYuj/7bc4JK0ol1dDZd"
    "AbKkor8WJAy2Ja8y+tNAH4/fVT1LvCiV9twQPOfuvevDx5+wtHxqLu1OE3OYqtn1xQdVUh"
    "ynWxAp//m4D/bKY66fAH5WMKYA2tAn1wYYX9qvcE8AUA7QDS1lz9oZiYTN0Z+/Pt6xyIv3"
    "VvOMpvX3OULdbZxXBw6d855rcA7Ci40PmSAA/xDzcb4ECmESDngDrs/T6EmueU/mmGwXz5"
    "tfs7x3m+8O9cXF1+DoqHwD+7uPoYA52NwsZDyjv90bJMrJJ01FdCMcwnTGpXoAfjzH5B/3"
    "h1dREB/WM/jurt14+9m5evuAZYIcPll/uXwxjUmoMBEkV1k3CfszuuMcfpeEclY5jrvmgn"
    "+HKAb32L/UD9ipgLX895vaD/tTcYdr9eR7Ry3h324M5xpBsEV1++jQ1Dy0rQ9/7wNwR/on"
    "9eXfbiU8Ky3PCfLWiT6rmWQqxHRdVDU19wNUAtonXP1itqPSoptV4XrQcYhdTut36l9Qe2"
    "xAE0Eirvk4yZLCQRUzWDa1fKfbUrzU6hBb8ev3r97vX7k7ev37MivJXLK+9ylC2GTlgB39"
    "2HlmFwYaJq94+qoyuRO+HpTGPLTZemTGi+5KcvN9jky9EUqP0dTlfUcoBd6mfwWgVX015O"
    "1TZgzbQpSLbxRSy81mDkj5IHBZFH/a1qdXxuKS6yAD0UdKD3WcdWVn9M3pofz+NXVKJO+U"
    "+CZ8OTYv0txdgQ6orZRoZwr19vWxhgtp5yKVKJjmyV0kfL0dlfDkaYaM7CZqpCL+P7d/8W"
    "7GLZJv6XDuqisUfZz1HYrsiYe/Mxsu7QEZqzRTNFHjGNOVsI6kkbw16fPiIjcvZb7+xLyF"
    "BBkWtgbsOwHfxgWB5Fj3gys6x7RHnbkGshgxXDP2zDWbSRGtx/wapmL7VvCRGFgp/Q5j9o"
    "Yrmz4M7tzYW0dUhbx2Fuw6WtQ9o6pK2juq1DTE7sN6fsemEI6RFvzvHus8apRMPJ3W+khv"
    "29761bePAte25n0BsM+leXg5LjdiuQO0XBtxH52r+8HfbYJf9LfF1QZBh6X2AUep85CL2P"
    "j0GRBUSJnWpCbn/71aNdDfdb2K+GoTUNDROKdYViCrv6lK1EJrypshLiOMTUsBUHq2bKm5"
    "u9RokIVRpTarZdiw4Qr06OCwwRrFTmIMHvRYH2F/+K2BykzJ4GUZ1FOt5J2fgkunAxbdbS"
    "5SMsPMKzKAP3Y/+ye/NH+tolKB9enn/8Y9jrxvQQ7NaUTRSSU0lFzdSsQ9RHMQrfP2Nawf"
    "JfrMYteAQOR3k1dwAk/T4Onhrw2wCDpR49xywzXeXV0bzZ6/jodZEVLhTLnL/EzZ/rNTHH"
    "DL4U81KxzcmaKmusm9bn3vAUsY8Rub4asK/wWWUzUsQkkm0RSRhE0l91ip2yZqi1FdVYOV"
    "U7zps3RfrNmzfZ3QbuFVBIYO0tt+hYW5VcelRcerDf7WEFP2DiVp1jcqpoYE/Z0RSTCmKF"
    "wWtdPQ3UyC7GrjQYqw1d62qSI1fFkUvHnBauqabJWqaotm0ampghynn91la0gUPwcNS01s"
    "8XMZw5WNsA8cwKJNKS8Nls6p8kfD5HrUvC5/69O7GwsbJTVLr4NrlBBztDJXi12agnIf9k"
    "OdiYki94kTCQpbMgU4IFDxPpBCOSXXbUxyVrLeudY5AwILAgStywYeamf8be9kJkZsnTlT"
    "zdTdBhy3S2T4VtESt3Z0w3ROomqO6M19agvpzq8Ga/2WCTtIE3hO27qO9cVFekJx4kbKH9"
    "4MYj1rKmJoG1Uwa9GOTTCPTL4T+HPx+aaNbz57soTikHRjlFY6pZNh4D/xvY5dYjUxsSaz"
    "LKGmwRjO4sB3XPv/Yv2wj/YA8xF5wqzoryW1wMSOKIV0WT7Pk9Phu48907l11QkWO5/HVE"
    "46Vr3nfJz1Q649kCVE3DnLzvEdcwkwVXvvtxB42DDf5kofzHmLP/iQXNgMUVAlW0R2SCNZ"
    "XNb9CyBbI8F4YP3kwubDmSXX/A7Hr+klV1Py+F60wDb/HOdir63IgMejff+mc95frm6lv/"
    "vHcD5NjoFdbdzs6ubi+HTEZ8qeKXfvW2CAUubikIMeDexr0J0LMpZU94wBmetfUai9dRa8"
    "V9ur24OEXwOSI3ve65cnV58ccpWn4dkc/dYe97l13zv9RDUTJiZYcRK7Y3YYuyVDtMNsIR"
    "oQbCvP13OLSsKOepjAlKnm17UzpnZVVk1SCdxVtSyRaYtZJRW3MPS9KxFtedqVIX2DFVXG"
    "3r6pJvQp3fBL4dr6T3qKTUcp21XH2Ul6P64WiZDcTWfbW+HJGUWq6zljeZq+XcfEiaDlm2"
    "N7JxptVTY/pzY6ydIdzv8aIk7yZVWNJCMxEG+kJ1iEPSEmNJvW02CVNSb5+j1iX1du/UWz"
    "+ZYslpKSolp6Oa05kbg3Ld2cz1BHrLZOaU4WMLYBfPwnygIEfHzNJE8V3yCS+sqUE+qYbp"
    "ObiVwiqM3G/ncQtNKKnciaKFGYZQHuvIcpCNCVCOkeq6eG7DMTsMMnZrskBjUbc7cyzXNT"
    "Gkxm2jx5mhzdCjY7iYIsNFEwy0OpHv1g/cBbqeNsPafVp+3j0+GxiGrFcgFfHK2mhMvcm/"
    "sOYKQiHwANnDwHsM2X2hFvzrnDUOsbURw5Kilza2bBOjucH60j1mqzsEfSiUVxg4gfgXkZ"
    "x3TLDLrt6P4eqIaKaBifuCIv9yB4m26AbVTIsGJx7BNf9xnIgIXMW0pkEALnZeUMG9FE+M"
    "XDd0SVg8ZMKieDWTGsglpayEJCGlXZH94PfPdENqBrNtJdJA1tX2yW3s6ZXMBmG5BhoNDt"
    "dIIGxDic3B0yymrv3p+NoyDS01SCNWIndBFUzuig2FjaJrqiGbiw1Yc5si/ObFKnc/4jUt"
    "ThGESTjWYxsmfR4zIWIZYBr33y1xUsGd4VC2GpqpZJq2hNrto5q9gDjy//uVf7yDj/fBn/"
    "5/rw5r4TA3CCSKDobvhAIyrXRJwT0a6w4lDTLBWKeKbkzTMq3nJraPSe4xu/3yysGmtxfY"
    "0cV8YqWEhBSAfSUqcS+Bu4PvPIopg3M+T7P45yKfFJYnOsjTK5+vb016VJ+j1qVHtW6nV+"
    "5y6zkQZ4i0Uvacwa123mYzfAZJAbs9QZaNCfKlPiDffm64SLg2uA0Z9n0dNA7TOrnBG7IK"
    "GhQHMfxs+e+5OMVAv6OHNHtf2VzDtAxMlYGptTKN7soPwOmebJhPc65nv+lRqQa+6sdvir"
    "zrrFROBulkzgfh8iwDdEikgShv3+ciN5TZ0B/m1qLIhrJmgUB10/yBaLpQJFCN4jelmnen"
    "5goxLNsJXDkgpVYnsXp0K8TVgklOawrpWiZl6IWqFY2Sw55iewnUkW14WSa23U0+xjZSqc"
    "iIeN3n+QY7CLz2Qu/hmjRrbqsO1IaBeghhfePtpGXcrAnAnRwvqRDLLIxdZ2qR4xcUYaIx"
    "UHV4wLyNDKKZHrcSsZqYKlwGLmcoUtV0pfXngK0/Mo/iwUQW895bZke9FKizeipbLYpsqF"
    "mpHKtFYku9HB+TKA/xjwzXTUSoEUjnra57vw8jC+sAz3TTXFA8hP8ZWOtk3sn95Z0Mz/Fl"
    "3uuEYCPg3ve7vUSRYrdKnrWkuNzO13o7P/eoqwi+bd6ZiXlEq6wq9ki3eiLPz/boVmzHZz"
    "ykzCq5wK+EJLOtONTcrCzC+SrapMPCMjtVnUc36XTKXsg11+kkWYxN07pkMcq8MHWdFGVe"
    "mBqgLPPCyLwwhwryhnlhwm/6ir0d20aWOI4vRBQ/sMVNFuA7PYovfkpmivs35SDNbE9w6i"
    "Ge673C4zsmgh2bAQTM98DPJ8jx1GWdTuf/sB+BKHZdVpp+QCqCEy/v/NMXRcIbiizILPM4"
    "M0wMLPuZ6lfC08OQFIr+Hp/N/cA+xdg/ZAv8w+ALxkRzFnAkXwf1XZEBZ1WCdS5x7t7Ecm"
    "fQCAhE599Bnegl92cHiXMwAWUwAQf/6QEzaUQeMNEtp40mnnaP3Ta7M+XuVVac1wIO7aAW"
    "6WA+YAezr/uSlriQlAzwLWP29HSDjb2WM0/bqxc8ay9Wx/78Pq0uPPoTf3Ln6/VJyTe99b"
    "377RSxjxFhwqcoqKGkD+59ARfc+0wP3Pu4A06McIoY8KrqJFFJrVO5fx8oA4a/+HdEBifK"
    "2dXX6+6w//Gid4oif1ZR0A6oFUS3LfYwxXPKMSxicjXWSlWexdHrIv0BimUzLfjN1F5R1v"
    "UfE2se3m9PihAATrIJACdxpMXKqgzIK4kG4rt1gkVkTVwG5oRg89DeSWxZYreSsrZcH08Z"
    "FZdHS1YMqkygWZHoklePdAnXx0uUdA7SE8VVpyk2sr8Pri4zlL0SievW0Fz0f8g06M78Ra"
    "G99sQzTNcgtAPPe4p9NUAU0XOCchZnl8UUCBXEKWfC4KWopqlA8uA062V+mqekuNyDl9iD"
    "h4x3ZZYDMbFGsC2jq4GT4wKLgZPjzLUA3IrNPsIIqrBds+tlRJsXCGNI1LJHk8dAPHzAn9"
    "25vfzWu+l/6vfOy9o+VpKnaPV9RL5f3XzpX34+Rf6XEfnU7V/wK/6XemzBo0pQqOFrqtQi"
    "IqOOBvJOmrSC4BzAsO+izFoiVXijVcXhrBV3snyQFL/sMfAwyV6S4vcctS4pfs+N4le3jr"
    "MT9tlT8KBqCuwhH5A14CyWM/Y/8BtUs5WWYTNepp2bapOXVrRl8YJEny/ANHFnqouWTCGK"
    "HrGzZNo8Gu6sje6x7fo8mlA5j/LjqeannFXj443m6oLfsYCpIqgskwViY3CS6rPXp3OyT5"
    "RblDwnK2DmBL7NKCenHSSYMEj4oW1ELfEz8J+eaoqnUrb7xiPiH1Uh0lOw585VZwEF4OEv"
    "V69oGxm6pPocMtVnM4rDhtyGPY3RktzQJPfkjsgNT+wSrtty5Xn5hOuG/hM4hXM9IHl6yP"
    "eBSA0U1oA04mWPRodpzilixJP2h0OyP5yppiltEE9ogwC2udt7wLztCetD6G47z+4AdHlX"
    "wVCwcMJJBu2UTXRsLw/H+1LEpNme+PYaBhERMyOunPcuesMewj802P+zzbl4DLJMnUmz/T"
    "ZEzCDe0muHvRlw1rZpWo80LcXk7h/qBxMlQhy5nSFkLYADLf27SHX5HZhMlqd0w/OC47Tn"
    "1gOPXPJrYBvjpSxvNFg0LGfOnpP6YJ4209R5rBMaW/w4ZeWe9Zllm2wH3xk/gmeLEqyBg/"
    "65NEYcsDGi/MqnsSueA1nhFGMbPl2+0n1FzzQkXWmW9SN7BMw0ezzLDAy1yBHfSDTZIOBk"
    "8IyyTXMRoQaa5bYfGBNabJUCOipW46G6qgG0iPkz2/iZAXO50SEiJMeHWtE4GompzNS0D5"
    "Szd8JlwM6vRWIei2TGDK+ULUk2ZXklIXnK1XnK6p2blnssG/algER9k+Ay9rNp+tyYF1Ee"
    "lmrekm4HUeX7P0DzGSCc8Os8oePBt523slwPwf32eueDLYoWdD/0frCRzk8MZhDKpnZhgX"
    "dUQlVhDDYIkA21GRqLNwn9OgcDMZqDdtj/4+VR4UnfwJgtgg0z5ZCrPT5XGu0P02jPVVjW"
    "br8Ukqb72pnuazLg9nU8ty0XE20hckemjbrJQrlDr7EqrghOdsHx94pgZIPnU3MtB70EX6"
    "o4wQ9xhycYbn9po7nnijyO4JgNPQsKfgjI4ew29ThpjQ+rbX4e4PFrNLM8J8UHvNcnyzH4"
    "MMdg/nKUtn2tZCSBSLobnmLHlEr6zQa4SQf2xQnWbwoRrN/kEKzfxNE1iO25GWfI5TF6o3"
    "KS0NuuSOidqzouOSiHRKTNVtKj5Y5jnzuO73gys6z7c2waQKpspew34kVydxuPojCwZ6G0"
    "gUtsNiCNVweN4UDvsUjIzl5iapExoirkhl8Av/JONUysCx4o5HWH3xNa5X9AY5FVh/Mm+U"
    "2ITLU8l20cmMps9halZLLf7+M5/zSwNc8wG/8cKrLUj/8C8NvoQTU9/HPc5tJortJ7tpcJ"
    "hQzLncsB71yymSbrqYEb0U32FXt60/vcHwxvusP+1eUpCv81Iv+47d32lN63HhABQ3/Eu+"
    "TTkAHnrCdZlZWzkq61ej73GPTsY0SurwbsK3xWgb/I1ih7Z5TYGKWG/Waf+7xJtO8hLWZ2"
    "cdpzbO4p451OEd1/btQGOqonlp5iF8h+/eNysh9U6AdZ+Tgz00plpt4sllWqZpvUbeeV0j"
    "1hC1TmZTCNSe0vXdcBIetg2yw5PPgCTaBY7H96ZOApDASicYwSuK9JTJ2Q3mNe6icyJ24v"
    "LTXsv8sYyIPyTXjRd52HWhg0yo0jgUQT8N33QCLtt9mvukxvIdNb1CG9hUxt8ZSpLWzbDP"
    "KhpxFMQ7fbufzSVcGCDgd+ZCsKIYpcAyOsajPk+zBe8MSVDoI2IddCBitjq5Q+Wo7vAODZ"
    "Jv07tzcXHXTt36bcmL86mDbhb9j706Wv4DB9BWUPHtzoxMG6DXC7puLAv+lJ+LIXxGGZRo"
    "C89zWxappwynngKS6Z7TNDvBGq2E/WzziCm/m8smurs0rq6gNLvN1sCVB2Csirowmb+D2w"
    "COMQBguvFEtgDqcwrxZ5kGfVjKFw4J9/cNYGU0hGFQ3sHzucReIgbj6TZNdYY83UeTJJvO"
    "cVJ5S8emqsmrpNKnEYq08seTXJyaXi5CKPpH1i35/0lzxDf4k8069pWk+JepBn+skz/eqx"
    "eJBOx2fudIQDDVop3kZ+vZ3nZlyu6ookz4fCIn4HPHTL4/DayFYd14ByWIcT7+YWcfmJdm"
    "NDh4gfnlhGUx0InuKZZ9jL5Lgi8/w9G0xJkIv+znAonMdnW46blkh/vw2AoKYCJ+etTuDj"
    "YLJPgiYY6Qa0fOK5okm+UIeHUzliihenABKEKWsJ6zCIJ1SBTP5QRBHNwPqYCYXcwUFaf2"
    "JB6gfopdCyNnumpsLpg6IVludCvBr8KsNBIXFxGuASuxcUmZa4wyodET/LxAw7ePXDDBcQ"
    "W1CI4jJ0hicmsVMFWO+5M6Y+7xVpM5VMMe0gpjJrzoYktj4ONxYOEnD5UQhMjyOyCgMDCe"
    "FJdkFV6qqdgV84aKz0AR+wDzj6Npea3hOSMsI6umyast/7qC74fr1kssAU0Tq7vCqawl4d"
    "FzEfs1LZUXbHCeOxbrCRKjvVyHpbcaSCGtsf2UL949Xt5fkp8r+MyNXt0L8UfKtiKi6ilG"
    "yVJBRy51hzhaE+SUtVmt0FYmI1VkSdDMGwJy4NdURIAl0I6NXasaxhKSrZQMPS4RqSUvjW"
    "hMJJ5FX0HBPdgqJr1suapGfMIKyi5LCc1HCdNUwNWykfkxsRknG5Sduwi525QcQ2MCsELG"
    "flkSotlyDF1nqOR+5LoR0ISIALAqxq6Rnn8jBeyTQP5p3s2JeWRT7UVj7ZMKWa/dlMWjfB"
    "0wfw8M6lP4uV2c+DzCmCzxG56Z1d3Zz3Lz9DjiP/64gMhlc3/Jr/RVzpnYsLvfMR+dTtX8"
    "Df4t8REQfZsgv+lyr2gO2nQlqpCs7ZSVt1lVX5qp4ad7rW9+63U8Q+RuTr9ckpYh81sM+E"
    "+o3xb6wsGV1xztg0c5WUVUOD1kv/eXx8cvLu+Ojk7fs3r9+9e/P+aLlwSt7KW0F97H/uX8"
    "Y4TGk5OQJEc/OeFFPKNpKgSK1EIH1g+z4rw8ZWZtha1VPnYav7faAM2Hgl/mWTzolydvX1"
    "ujvsf7xgM1bkz7pNMAxg22KPLUvkz66hxpqqGY9/heHE0+5xxjS/Dv+VbPOQf3tSJO70JD"
    "vu9CQbcwdPSybcT5NtIOZbj/Vd4VYyAX9CUKJdBu0VW6UkdyGnCkliyJxJHSdtyZOXzjMh"
    "Ko+d3CSbZwCn6rp4brtlDNnpwvujOh/tdiOwNXN2lO+XsuPKi9FJCssInRIROjJWI/s1b2"
    "6shgwuOKTgAuCxywCDJw4wCBSQEWcQ0k9+uIHi/86CYQecrW49AptfJQHjPKClU8F2b4vI"
    "ALadoTyRmE9iDx0vghx8B+fVWsmwgm0/AMIGrlhFkQiAa9FzBv+4aKNxAMDYZ9Vbgk2vWX"
    "yxpLK6ecyCCex9g/LGGctShKEKbYW2Lfn3I8Kb2UHcDzTnJ/SqmmPRZRke98DayNqN/mUZ"
    "xA8T4MEU/ClcR/xIyQ4aOsZ0ih3KfjC2gf2P//RUEyj4q7az3zkm+BEytvNwCx6TAA1kKx"
    "XKoNOhkfD3MhgjGjEgZHkzPvDXDU1E6+CHiTgMfn5Na9mTm8/z50+Cj9cHRuin2HkwNKzY"
    "jvVg6LjsKZYZ4nKCjad3C/W3MvjG5aS5odSJ9OGNGoz7IftNmnvMr+PTlxtsZp0k6k+cA1"
    "7f2bK6w32zE6ubRKaQDaEKYhmbCg8YY7cA0Rdh0m0KSrte1AJcGQtaH8k1i9lAa+sXsl9V"
    "GyIa/SArtgISSyRVLC3Z2goO8A6CVefqPaZ+ICpdnQWeEhW7nWozYl15Rl5Df16n8x3sKk"
    "yG/j0FkVCakqQp6annyfbhmJKYqs5mWLtPm3aX93LnXTY3KRoUKzjxjuEp3DzxW3fwm/Kl"
    "9weyHDZBwhzHZsre5dnNH9dwlifcGnxAY145PzqdS0FMKBqztoFqOqubmI6T0/GuH/ZcJu"
    "GmpTyQae9XSUGLTMI5pK+U1K3LbpKygcpLOxmRq5hksm5g57lNt5hlsoT9ZJfTSRc7bGOT"
    "Npn4d3KnEnVVZt00ko3/lofkTDZF6oicwp7wh9XNhuLd06g3ZE9kD7WZefiyR9vsRHxNGH"
    "B3EqYGnaoEwn7xBqL76uioyKby6Ch7Uwn34mdGErDLJBHOJr6FROT51SUZb086mf38fyyf"
    "bW4="
)
