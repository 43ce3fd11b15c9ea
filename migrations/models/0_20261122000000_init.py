"""Service providers, accounts and API keys.

One branch per dialect; statements run one by one inside the caller's transaction, and are safe to run again.
Names and constraints that models cannot say are listed in `app/database.py`.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

OWNER_CHECK = """
    (scope = 'ADMIN' AND service_provider_id IS NULL AND account_id IS NULL)
    OR (scope = 'SERVICE_PROVIDER' AND service_provider_id IS NOT NULL AND account_id IS NULL)
    OR (scope = 'ACCOUNT' AND service_provider_id IS NULL AND account_id IS NOT NULL)
"""
LIMITS_CHECK = "usage_maximum >= 0 AND licensed_sessions >= 0"

# What both databases understand; the types differ.
TABLES = f"""
CREATE TABLE IF NOT EXISTS service_providers (
    id {{uuid}} NOT NULL PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    name_key {{key}} NOT NULL,
    active {{bool}} NOT NULL,
    created_at {{time}} NOT NULL,
    updated_at {{time}} NOT NULL,
    version INT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS service_providers_name_unique ON service_providers (name_key);
CREATE TABLE IF NOT EXISTS accounts (
    id {{uuid}} NOT NULL PRIMARY KEY,
    service_provider_id {{uuid}} NOT NULL REFERENCES service_providers (id) ON DELETE RESTRICT,
    name VARCHAR(64) NOT NULL,
    name_key {{key}} NOT NULL,
    active {{bool}} NOT NULL,
    usage_unit VARCHAR(8) NOT NULL,
    usage_maximum INT NOT NULL,
    licensed_sessions INT NOT NULL,
    sip_realm VARCHAR(132),
    webhook_secret {{bytes}} NOT NULL,
    created_at {{time}} NOT NULL,
    updated_at {{time}} NOT NULL,
    version INT NOT NULL,
    CONSTRAINT accounts_limits_check CHECK ({LIMITS_CHECK})
);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_name_unique ON accounts (service_provider_id, name_key);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_sip_realm_unique ON accounts (sip_realm);
CREATE INDEX IF NOT EXISTS accounts_by_name ON accounts (name_key, id);
CREATE INDEX IF NOT EXISTS accounts_by_provider ON accounts (service_provider_id, id);
CREATE TABLE IF NOT EXISTS api_keys (
    id {{uuid}} NOT NULL PRIMARY KEY,
    scope VARCHAR(16) NOT NULL,
    access_level VARCHAR(16) NOT NULL,
    service_provider_id {{uuid}} REFERENCES service_providers (id) ON DELETE RESTRICT,
    account_id {{uuid}} REFERENCES accounts (id) ON DELETE RESTRICT,
    name VARCHAR(64) NOT NULL,
    public_id VARCHAR(16) NOT NULL,
    secret_hash {{bytes}} NOT NULL,
    previous_secret_hash {{bytes}},
    previous_secret_expires_at {{time}},
    previous_secret_last_used_at {{time}},
    rotated_at {{time}},
    expires_at {{time}},
    revoked_at {{time}},
    last_used_at {{time}},
    created_by_scope VARCHAR(16),
    created_by_key_id {{uuid}},
    created_at {{time}} NOT NULL,
    updated_at {{time}} NOT NULL,
    version INT NOT NULL,
    CONSTRAINT api_keys_owner_check CHECK ({OWNER_CHECK})
);
CREATE UNIQUE INDEX IF NOT EXISTS api_keys_public_id_unique ON api_keys (public_id);
CREATE INDEX IF NOT EXISTS api_keys_by_account ON api_keys (account_id, id);
CREATE INDEX IF NOT EXISTS api_keys_by_provider ON api_keys (service_provider_id, id);
CREATE INDEX IF NOT EXISTS api_keys_of_installation ON api_keys (id) WHERE scope = 'ADMIN';
CREATE TABLE IF NOT EXISTS aerich (
    id {{serial}} NOT NULL PRIMARY KEY,
    version VARCHAR(255) NOT NULL,
    app VARCHAR(100) NOT NULL,
    content {{json}} NOT NULL
)
"""
TYPES = {
    "sqlite": {
        "uuid": "CHAR(36)",
        "key": "TEXT",
        "bool": "INT",
        "time": "TIMESTAMP",
        "bytes": "BLOB",
        "json": "JSON",
        "serial": "INTEGER",
    },
    "postgres": {
        "uuid": "UUID",
        # Byte order, so that both databases sort names alike and the index serves ranges.
        "key": 'TEXT COLLATE "C"',
        "bool": "BOOL",
        "time": "TIMESTAMPTZ",
        "bytes": "BYTEA",
        "json": "JSONB",
        "serial": "SERIAL",
    },
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    for statement in TABLES.format(**TYPES[db.capabilities.dialect]).split(";"):
        await db.execute_query(statement)
    return ""


async def downgrade(db: BaseDBAsyncClient) -> str:
    for table in ("api_keys", "accounts", "service_providers"):
        await db.execute_query(f"DROP TABLE IF EXISTS {table}")
    return ""


MODELS_STATE = (
    "eJztXG1z2jgQ/isaf7n0psclaUoz6c3NACFXLgl0eOm1vdwYYQvQYCTXkpMwvfz3k2Qb/J"
    "oAgZyh/pDEXu1K4llptbta8l2bUhNZrNRBzi020EeH3mITOdoZ+K4ROEXiIYvlNdCgbS8Y"
    "JIHDgaVkmMes2z63aoUDxh1ocMEwhBZDgmQiZjjY5pgSKdaXY+oTNOsDzMDdGHIwhRPEgK"
    "QzwCXBonQinhBgggbQNxda7wFDCPTFdH5VjCV71i/JEU1qiCExGW2jc5fgby7SOR0hISEx"
    "+/sfQcbERPeIBa/2RB9iZJkRSLEpO1B0nc9sRev1GucXilNOfKAb1HKnZMFtz/iYkjm762"
    "KzJGVk2wgR5ECOzBC0xLUsXx0ByZuxIHDHRfOpmguCiYbQtaSCtN+GLjGkXoD45CWhQ8Kx"
    "mLDDSgTd6dj83Z9mSETXm62u3ql3dV1L6FZOJ6YRn2RQItcFJlyC9v3B63cBjqJqcoDah0"
    "r74E35lYKDMj5yVKOCTntQgpBDT1QpYIG4+pvAvDaGTjrmAX8MdTHRdfAOCAvAFxsggC8A"
    "aAuQalN4r1uIjPhYvJZPHoH4U6WtUC6fKJSp2K/ejm76LceqSYIdBVdurCTAXXTPswEOZP"
    "YC5EdA7dY/d2XPU8a+WWEwD64rnxXO05nfctVq/hGwh8CvXbWqMdCFIcW3KWu6SqmFIElH"
    "fSEUw3wgpLYFemBcXhb0aqt1FQG92oij2ruu1tsHR0oDgglzRW40uzGoDQdJSHTIk3Cfix"
    "aOpygd76hkDHPTFy0FDzu46jXxAc0WsWa+nh/bBY3reqdbuf4Y0cp5pVuXLceRbRBQD8ox"
    "MzTvBPzV6H4A8hV8bTXr8SNhztf9qsk5QZdTndA7HZqh8y6gBqhFtO7a5ppaj0oWWs+L1g"
    "OMQmr3Z7/Q+q1wcSQaCZU3SMZJFpKIqVrAtS3lHm1LsyM5g1+Oj07enZy+KZ+cChY1yznl"
    "3SPK9kyndHuHk5AbJgkDaEzuoGPqkZbwcWZQV04ieaD5kheXbWRBng61H6RUvF52cEs9BM"
    "sqoKYtTmhj6TM9FyQbX3qO1xMY+VYy9xDJ9UWPadaKSzZNj6dxCiRwpD6SHFuOFFtRKRFx"
    "aLFlR8Lhdb1EAHyHBmMRg+oMCdeBq0iVIWghExyoEBQRw5kpdhmHvnoPoAhi7/HUnQI6BI"
    "dgKlw/Blxi4alwZ8yUKHgbIxShcBEK74aZLULhIhQuQuH1Q2GXiWNSF585JSiSJqRO3KnC"
    "uyEmB4mBksFRpIeXW+9aTw7cE+OWOvVOp9Fqdla021ogdwaCpxty3Wj2unVB8h/iB+4yZu"
    "h0CSt0mmmETuM2yEPYP7RXCGQSci8XzhzmOJwJQ2thAxEmQnuGmAz6UjzxTHhTZQuI4xAz"
    "bOuOcEhTVm62jxIRWsum5CzWiRqIozfHS5gIwZVpJFRbFOhoIJByemICnVk63knZ+CE644"
    "jtl+tSlY5H+BQV4FYbzUr7S7rvEvCH3fPql269UmSX9zzPWGSXf0StF9nll/cVYmUm+mrZ"
    "pAzxTaaX8nucPZFBSiTxs1FPQn5BHYRH5BLNErFgeko6pbhoN5FOJKcF2YF388Rn1poTkA"
    "ggkBd2t4WZaTdqYrUvdXNSXAq8+KWAB1bancAcxkeuBEIKe/pKoAJqH+q1S8AxYqDPDGqj"
    "PuBUVanRO6Eq4Bk0dgYq59eNJhhDBggloivFIhPyDKB7MYg1kyTssOS1wFZGuSE35NyVQw"
    "AIHMrVEvyJASoONQvaoG876BZTl/lxhC46HfeB2AbM69UygdcCMAEu4dhKyqB7GwvTJdyh"
    "vhiwH/jEg5n+cx9Ql1v4FqneBORekZ94mQFmIziRNxqQmJLioKEwWgCKH0LB0DNgUoYVNx"
    "y7dsOhlu+6+cm5cJ5T8ZrahP5evCGdevtTo1bXP7Zbnxrn9bZMUEYpN6RSq7V6za6Q8R7W"
    "SVQelZdJQ8T961AWohxPQkDDQIyJEW6Rta7G4n3kWnEXvaurMyB/35B2vXKut5pXX87A/D"
    "EfainuCLd4R2i7AwsbqbFKNsIRoT2EefNrOORTrJbcjAkWmc3Xa2Y209y71VSR1cOaOsln"
    "7PJ/qmThPa+ahny8pw2kJXdHWTnPQiaTz3HdWZBx3WVrpaOf6qtYCXleCSoqX0vvUclCy3"
    "nW8vpWvrDqu6NlYYjpZL29HJEstJxnLT/nrC7O5l3SdCiV/ayMZlo/Oa6R2pvcZgj3CZqt"
    "eDedKvyMa4Hd2adPJv6L0qn9LaIpSqd+RK0XpVMvXjrlfy9xxVMpKlUcRzkvR9sblPNejZ"
    "ZPoDdcjJZiPjYA9vJf2d9RkKM2c+VCv63WsSEHG2MtrY7Na3n9aB3bguepKrZsUDdcWJXp"
    "DKTa0hQ/wNfg8wqqtunhbcQPyK6dynSzsksTsv2sfShMOH77donEgODKzAyotpj3JTbVCg"
    "j77HuI7tHh4TJpl8PD7LyLbIulBSjhKO1w+rPTambkAxYi8bAQGxz8CyzMdvjfyqSBK8GI"
    "xH6Jr+LHv3Uf881kB9XV/t/P5g+zh/8AgVBQug=="
)
