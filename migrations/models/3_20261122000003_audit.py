"""The audit trail, whose events nobody changes; and what was made under idempotency keys.

One branch per dialect; statements run one by one inside the caller's transaction, and are safe to run again.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

TABLES = """
CREATE TABLE IF NOT EXISTS audit_events (
    id {uuid} NOT NULL PRIMARY KEY,
    at {time} NOT NULL,
    scope VARCHAR(16),
    key_id {uuid},
    user_id {uuid},
    operation VARCHAR(64) NOT NULL,
    object_kind VARCHAR(2),
    object_id {uuid},
    account_id {uuid},
    service_provider_id {uuid},
    former_service_provider_id {uuid},
    before {json},
    after {json},
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
    id {uuid} NOT NULL PRIMARY KEY,
    until {time} NOT NULL
);
CREATE TABLE IF NOT EXISTS idempotency_records (
    id {uuid} NOT NULL PRIMARY KEY,
    actor_id {uuid} NOT NULL,
    operation VARCHAR(64) NOT NULL,
    key VARCHAR(255) NOT NULL,
    input_hash {bytes} NOT NULL,
    made_id {uuid},
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS idempotency_records_key_unique ON idempotency_records (actor_id, operation, key);
CREATE INDEX IF NOT EXISTS idempotency_records_by_time ON idempotency_records (created_at)
"""
TYPES = {
    "sqlite": {"uuid": "CHAR(36)", "time": "TIMESTAMP", "json": "JSON", "bytes": "BLOB"},
    "postgres": {"uuid": "UUID", "time": "TIMESTAMPTZ", "json": "JSONB", "bytes": "BYTEA"},
}
TRIGGERS = {
    "sqlite": [
        """
        CREATE TRIGGER IF NOT EXISTS audit_events_stay BEFORE UPDATE ON audit_events
        BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END
        """,
        """
        CREATE TRIGGER IF NOT EXISTS audit_events_are_kept BEFORE DELETE ON audit_events
        WHEN NOT EXISTS (SELECT 1 FROM audit_prunings WHERE old.at < until)
        BEGIN SELECT RAISE(ABORT, 'audit events are kept'); END
        """,
    ],
    "postgres": [
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
    ],
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    dialect = db.capabilities.dialect
    for statement in [*TABLES.format(**TYPES[dialect]).split(";"), *TRIGGERS[dialect]]:
        await db.execute_query(statement)
    return ""


async def downgrade(db: BaseDBAsyncClient) -> str:
    for table in ("audit_events", "audit_prunings", "idempotency_records"):
        await db.execute_query(f"DROP TABLE IF EXISTS {table}")
    if db.capabilities.dialect == "postgres":
        await db.execute_query("DROP FUNCTION IF EXISTS audit_events_stay")
    return ""


MODELS_STATE = (
    "eJztXXtz2joW/yoa/mm6k8vmfTvpzs6QhNyyTSADpL29mx2j2CJoYyRq2UmYbr/7Hsk2+E"
    "kwCcRQzeRhJB3J/I58dF6Sf1SG3CK2qHaI80BNcuXwB2oRp3KMflQYHhK4yGuyjSp4NJo2"
    "kAUuvrUVjfAbG6OgtarFt8J1sOlCgz62BYEiiwjToSOXcibJenJM456Me4gK9DjALhriey"
    "KQLBfIlQU25/dwRZCAMkS+e9j+iAQhqAe383fVsDoa96pyRIubMCRld8vo3GP0u0cMl98R"
    "oJCY/fs/UEyZRZ6ICD+O7o0+JbYVg5RasgNVbrjjkSq7vm6cnauW8sZvDZPb3pBNW4/G7o"
    "CzSXPPo1ZV0si6O8KIg11iRaBlnm0H7AiL/DuGAtfxyORWrWmBRfrYsyWDKv/oe8yUfEHw"
    "zavAQ+ZSuGFHVBl5NKj1z+A2IySG0Wx1jU69axiVFG/l7SQ4EhSZnMl5QZkrQfvx0+93Co"
    "4qrcgBTj/V2lv7R+8VHFy4d46qVNBVfipC7GKfVDFgirj6n8L8dICdbMzD9gnU4UYXwTss"
    "mAI+fQBC+EKAlgBpZYifDJuwO3cAH48OZkD8pdZWKB8dKJQ5PK/+E90MavZUlQQ7Dq58sN"
    "IAd8mTmw9wSLMRIM8AtVv/syt7Hgrx3Y6CuXVZ+1PhPBwHNRet5h9h8wj4pxetkwToIEjp"
    "Q8acPuHcJphloz4lSmB+C1TLAj0ULqsF/aTVuoiBftJIonp9eVJvb+0qDkAj6qriRrObgN"
    "p0iITEwG4a7jOocemQZOMdp0xgbgWk1fBiDWd9Bb6g1WL2OODzrKegcVnvdGuXVzGunNW6"
    "dVmzF3sMwtKto4QYmnSCvja6n5D8iP5qNevJJWHSrvtXRd4T9lxuMP5oYCuy3oWlIWoxrn"
    "sja0Guxyk118vC9RCjCNuDu59y/QFUHIlGiuUNlrOSRSgSrAa4lsXc3WVx9k7ewW97uwe/"
    "H3zYPzr4AE3UXU5Kfp/BbF90SrW3fx9Rw2TBLTbvH7FjGbGa6HJmck/eRHpBCyjPP7eJjd"
    "1sqAMjpeb3soaP1M9wWoWlWZMTj6jUmV4K0oh+9hWvZzAKpGTpIZLzi+/xvBmXrhruDZMl"
    "mOE79ZXk2HKkxIzKsIgjky3fEo7O6zkM4EdyOwAb1BAEVAdXWaqCYJtYaEuZoISZzlg1l3"
    "bo+48IgxH7RIfeEPE+2kFDUP0E8phNh6DOWBlW8DJG0KawNoXXQ8xqU1ibwtoUXtwU9gQs"
    "kwZ85wyjSIqQOvOGCu8G3BxmJkkbR7EeVjffK9dy4GsYt9qpdzqNVrNTUG5XQrpjFF7dsM"
    "tG87pbh6LgIrngziOGPswhhT7kCqEPSRnkIxws2gUMmRTd6syZnRKbM1FobWoSJsC0F0RI"
    "oy9DE8+FN5NWQ5yEWNCR4YBCmjFz83WUGNFCMqVktk5cQOzu780hIqBVrpBQdXGg44ZAxu"
    "pJGXbG2XinaZOL6NglYrNUlxOpeERXUQD3pNGstb9l6y5h+6h6fvKtW69p7/KG+xm1d/lX"
    "5Lr2Lq9eV0ikmRjFvEk55K/pXirvcvaMBynlxM9HPQ35OXcIvWOfyThlC2a7pDOSi9YT6Z"
    "RzGood/DhxfObNOYAEgCC+2d0GMdNunMJsnytyooMCz8VNHGJyx4JuZLs+vXshVu2wu1PV"
    "2wbN1uWGUvwplhVJmUy+GYGUyDR/PpBSQ6ef6qefkUuJQD1h8hHpIZer3D7+CLxC/jIgjl"
    "Ht7LLRRAMsEOMMulJNZBhDIPIEg9hjWUQdkQ6mLGWUG3bDzjw5BMLI4a6ajO8E4qAK2HiE"
    "eiOHPFDuicD6MqDTQQ+B8BB+r7aF/BpEGfKYS+00DXkaURD4oET2YMBeaEncjo2/9RD3XJ"
    "s+ENUbQO6nRsKHMRIjgu9lHAgzS5Y4pA+iHmH4ZRz1fbEvaYSOC61bXEhN30W9uhPiMgcw"
    "KuohDJ7FG9apt780TuvGVbv1pXFWb0u3brzkhtVOT1vXzS7Q+BeLuHd3j+Zx3iStkojv5i"
    "jpusGmSYSAER6IvSjHkn2UmnHn1xcXx0j+vWHteu3MaDUvvh2jyWU52KIjq0uMrI68W5ua"
    "mRZePsIxog2E+fXncESnKOYSThBqf/D2gv7gLPWuGCvyeliQJ+W0+N6SJVPtuajzdnZPr+"
    "DMXR9mldx3m3bZJ3lnY+EanljIif9cX3omlHkmKKt8Ib7HKTWXy8zlxaW8lurrw2UQxPx+"
    "sWc5Rqm5XGYuv2St1mvzOnE64sp+kUczq58SZ5ZtjG8zgvs9GReM6GcSvyAssD7P6bOOf5"
    "1wtrmpRzrh7Ffkuk44W3nCWbCbs+CqFKfSy1HJk/g2BuWy5/CVE+hXTuHLEB+vAPb8Bx2s"
    "KchxmVk4PXKZeWzJ9L+MhLaMDMH8zLbM7MQ5zgroAwlxRgC3v41fpWnxvn9+nQszylL/4E"
    "sgQVwXWgu5mx+mLTTyTyVAHLQe9DigNkHURSZ2HErE9AQ8zkjGEQIrGlgmwvWC+EiQrRKe"
    "3uefWPBRkspMtN60GiZMT+Wj3XJ34KeoIe74nxh30ZbK2Hu/7dMRJpkAFIwQS6AHwizubN"
    "+wW8+8J+42csidyu+CtqoH/0sOw150ktu6JbkFDE/DPnOveIRqhZvFJyVru1scexYFQcud"
    "YZbVOWeeWqKPFe4Yr8mhz9XI1cur/YIzvfK19uUYwZ8bBsTHKOzhbTeH+5LN8CXdojxJdV"
    "Jqx+jXjtEB/P3/N6yzb5y2Lq9q3cbJRf0YxT6WwwUKsI44DGZ4Tk56Z56YitOVmCsL5rvt"
    "7RzM8zzIZrl4+5WZT0XRBM4E2ebhfbQ/Txrnfn4a534SaV+jKgLylGID8X31NNmYJlwE5h"
    "Th5qG9dziPqIZW+bLjMC9hdgpfhm75fNpsnFwnai6YqJlC0xDyY+GQx6x+dPi/PPGOdJhL"
    "7Bsuztrg+a9Oq5nD7ClJkrfUdNH/kE3F0iIfEQP71qO2S5moyvHewq6WEMX4nDqcLXkOW4"
    "KBsoPk4Wy+d8vAtm2Y8Cdr6+0s0zuLXNvgBWzwiLOuiDqQINvAvTNznak040il9IlKgdPT"
    "AKvZ9TIm+pxbKVO9rNDl0fEH76ixq9fNL/V247xRPyvq+5hSHqPp9Q372mp/bjT/OEbBxQ"
    "07rzUuVElwUQ4TPM4EQ9CAU4WUiJw+NjCDYpM0CJXu+UAc2qfm5CCIeXWJTOIXaRXroysu"
    "RX3QyWr5MnA905Z0stqvyHWdrParJauV7cFZSh7VW2T0lBTYdU7pkZFet/5Acl70Ma3dnn"
    "lElWxnENlw7mOqANo7MLSRQ/qekBkwHJkDDLY3wgyprhCGH4m7OnOJIx81mSHjJ95QgcaA"
    "q+wEPstkFaRu+MqBCSIPkbJt/ph5eNXKxg4yeVJpc0H2EEFhmd+rA93I0mDCIP/0KSQX7I"
    "/ocUDUOGHlkD8QEZynNbktF5lcvtSz7/DhDYNBejKBAMbMuokq6vHb/xLTNe7hCYrcE+nT"
    "pzCvyW/xTqBO40yn/axb2k9xPXJj9cf11RcznP1vd2SZ3tVXyJ9WfCuf3r+Xt2EC1uqimy"
    "QiJBrNOJogBJwcN19+dCRGtIGxkdfPS4loWIWAjpOVWFQvmpMyT0ZKfj5KDszFpEOMSMuH"
    "UnlRNhJTveVvFSjnm7xFwJ7di8Y8kUisDsQuEjGcUugw4eJhQtx3szax5sM+IdCovyS3C7"
    "62yF4bZyV0R6k2T6VbQlK3ZQEXcjKKcub3lEQjnI1wKqzzhrGHwGFeyYs+hPXbz8cfRn7T"
    "OSMQXX+H7HQ3bs+fLui3oXT9oqFkAfz2At+/8AMDQr5mIvT699RLJnrb8n0TygfvYCawch"
    "+nww6rGFD75kunIuX75hUvi7rnJ0TaQ186D31J5GrDIsMRdwkzx/5xDFnCNd1opoSl0+aG"
    "n5k+p5ht9ZWggjbcQVtYvVYHrjCSntn326py6Pnv+lHBVlmgGvnhR9Om8Ji/Ex+hcORCLR"
    "Ke2pyiJOm2fPUO2jtAA+5lvado5aNrAbxGAlhNi8L+rSmNzhHSIYW3sIoy91rmA5y9t3IT"
    "oN07PJxrX+vhjH2th0l0KRt5i7x8JE6nXwMTVcmKbGUdYosUFMoREu2X1dsItLmxUjcOca"
    "g5qGQ5cPyamYYFnrZ5zpbIZ+wra925WfeZIiYj4T6QJC/Ttpe5ir5Kwn2+Yp27nyFfScnf"
    "0KAVlRxFRT5UBRAOmm8gurs7O/Ok7e3s5OftybrEwsmZS7I2OOSH1iIkqz9PYc2ja2+6mP"
    "38P+D/7lI="
)
