"""The audit trail: events that nothing points at and that nobody changes.

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
)
"""
TYPES = {
    "sqlite": {"uuid": "CHAR(36)", "time": "TIMESTAMP", "json": "JSON"},
    "postgres": {"uuid": "UUID", "time": "TIMESTAMPTZ", "json": "JSONB"},
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
    for table in ("audit_events", "audit_prunings"):
        await db.execute_query(f"DROP TABLE IF EXISTS {table}")
    if db.capabilities.dialect == "postgres":
        await db.execute_query("DROP FUNCTION IF EXISTS audit_events_stay")
    return ""


MODELS_STATE = (
    "eJztXW1z4jgS/isqvmzmKsvlZZKdylxdFUnILjcJpIDM7OxxZRRbBF2MxFhyEmpu/vu1ZB"
    "v8SjAJxDCumkmMrJbM03Kru/VI+V4ZcYvYotohzgM1ybXDH6hFnMoJ+l5heETgIqvKLqrg"
    "8XhWQRVIfGtrGeFVNsZ+bX0X3wrpYFNChQG2BYEiiwjToWNJOVNifdWncU8mfUQFehxiiU"
    "b4ngikygWSqsDm/B6uCBJQhsg3F9sfkSAE9eFx/q4rVseTflX1aHETuqTsbhWNu4x+c4kh"
    "+R0BCYXZv/8DxZRZ5ImI4OP43hhQYlsRSKmlGtDlhpyMddnNTeP8QtdUD35rmNx2R2xWez"
    "yRQ86m1V2XWlUlo+7dEUYcLIkVgpa5tu2rIyjynhgKpOOS6aNaswKLDLBrKwVV/jFwman0"
    "guCbV0GHTFJ4YEdUGXk0qPVP/zFDIobRbHWNTr1rGJWEbtXjxDTiF5mcqXFBmVSgff/htT"
    "sDR5dWVAdnf9TaO4fH7zQcXMg7R9/U0FV+aEEssSeqFTBDXP9OYH42xE465kH9GOrwoMvg"
    "HRTMAJ+9AAF8AUArgLQywk+GTdidHMLH4/dzIP5ca2uUj99rlDm8r94b3fTvHOhbCuwouO"
    "rFSgLcJU8yG+BAZitAngNqt/5nV7U8EuKbHQZz56r2p8Z5NPHvXLaavwfVQ+CfXbZOY6CD"
    "IaUPKWP6lHObYJaO+kwohvktSK0K9MC4rBf001brMgL6aSOO6s3Vab29s681AJWo1MWNZj"
    "cGtekQBYmBZRLuc7gj6Yik4x2VjGFu+aLV4GIDR30FvqDVYvbE1/O8t6BxVe90a1fXEa2c"
    "17p1decg8hoEpTvHMTM0bQR9aXT/QOoj+qvVrMenhGm97l8V9UzYldxg/NHAVmi+C0oD1C"
    "Jad8fWklqPSpZaL4rWA4xCaveffqb1B3BxFBoJlTdYxkwWkoipGuBalXL3V6XZO/UEvx7s"
    "v//t/YfD4/cfoIp+ymnJb3OU7ZlO5fYO7kNumCq4xeb9I3YsI3InPJ2Z3FUPkZzQfMmLT2"
    "1iY5kOtR+k1LxWNvCV+hEMq6A0bXDiMVU+00tBGtNPnuP1DEa+lSw8RGp88QOeNeKSt0YH"
    "o3gJZvhOfyXVt+opNqJSIuLQYMuOhMPjeoEA+JHcDiEGNQQB10HqSFUQbBML7egQlDDTme"
    "jqKg599xFhCGKf6MgdIT5Ae2gErp9ALrPpCNwZKyUKXkUPZShchsKbYWbLULgMhctQePlQ"
    "2BUwTRrwnVOCImVC6swdabwb8HCYmSQZHEVaWN94r9yojm+g32qn3uk0Ws1OTrtdCeROUH"
    "DVY1eN5k23DkX+RXzCXcQMfVjACn3INEIf4jbIQ9iftHMEMgm59YUzewUOZ8LQ2tQkTEBo"
    "L4hQQV+KJ54Jb6psCXEcYkHHhgMOacrIzfZRIkJL2ZSCxTpRA7F/eLCAiYBamUZC34sCHQ"
    "0EUmZPyrAzScc7KRufRCeSiO1yXU6V4xGeRQHc00az1v6a7rsE9cPu+enXbr1WZpe3PM9Y"
    "Zpd/Rq2X2eX1+woxmomRL5uUIf6a6aXiTmfPZJASSfxs1JOQX3CH0Dv2iUwSsWB6SjqFXL"
    "SZSCeS01Ds4Mdp4jNrzAEkAATxwu42mJl24wxG+0IrJ+WiwHPrJg4xuWNBM6regN69EKt2"
    "0NyZbm2LRutql1K8IZa2kjIdfHMWUkLD/PmFlBo6+6N+9glJSgTqC5OPSR9Jrrl9/BF0hb"
    "xpQJyg2vlVo4mGWCDGGTSlq6hlDIHIE3RiT1QRdURyMWUlvfRYj527qguEkcOlHoy/CMTB"
    "FbDxGPXHDnmg3BV+9GVAo8M+AuMhvFZtC3l3EGXIZZLaSRnyNKZg8MGJ7EOH/SCSuJ0Yf+"
    "sj7kqbPhDdGkDuUSPhwwSJMcH3ah0IM0uVOGQAph5h+M84GnhmX8mIcl1o09aF9PBdNqs7"
    "FS7yAkZFv4T+u9hjnXr7c+Osbly3W58b5/W2SutGS3qsdnbWuml2Qca7WCa9u3+8SPImHp"
    "WEcjfH8dQNNk0iBPTwQOxlNRZvo9CKu7i5vDxB6mePteu1c6PVvPx6gqaXxVBLubK6wpXV"
    "sXtrUzM1wstGOCK0hTC//hgO+RT5UsIxwTIfvLtkPjjNvcuniqwWltRJMSO+t1TJzHvOm7"
    "yd39IrJHM3R1kFz90mU/Zx3dlYSMMVSyXxn2urHAlFHgk6Kl9K71HJUstF1vLyVr606puj"
    "ZTDE/H65dzkiWWq5yFp+yVxdzs2bpOlQKvtFGc20dgrMLNua3GYI93syybminyr8gmWBzX"
    "lPn038l4Sz7aUelYSzn1HrJeFs7YQzfzdnzlkpKlVORwUn8W0NykXn8BUT6Fem8KWYj1cA"
    "e/GDDjYU5KjNzE2PXCWPLU7/SyG0pTAEs5ltqezEBc4KGIAIccYAt7eNX9O0+MA7v07CiL"
    "L0L/gSSBApobZQu/lh2EIl71QCxMHrQY9DahNEJTKx41AiZifgcUZSjhBYU8eKCNf310d8"
    "tkpwep93YsFHJaqYaP3ZbRgwfc1Hu+Vy6FHUEHe8T4xLtKMZe+92PTnClBJAghFiCfRAmM"
    "Wd3R67dc17IneRQ+40vwvq6ha8LzkKWilJbptGcvMVnoR97l7xkNQaN4tPSzZ2tzh2LQqG"
    "ljujtKhzQZ5arI017hivqa4vdM/Vq+vDnCO98qX2+QTBjx4D4RMUtPC2m8M9y2Z4lm5ZnS"
    "QaKXRi9EvH6AD+3u8e6xwaZ62r61q3cXpZP0GRj8VIgQKsYw6dGa6TQe/MMlNRuQJrZUm+"
    "28He+0XeB1UtE2/vZupbkZfAGRPbPryPDxehcR5m0zgP40h7HlUekGcSW4jvq9NkI55wHp"
    "gTgtuH9sHRIqYaamXbjqMswuwMvhTf8nnabFS8JGouSdRMoGkI9TH3kse8dsrl/+KsdySX"
    "ucShIXHaBs9/dVrNDGXPROK6paZE/0M2FStb+QgF2LcutSVloqr6e4u4WkEU0XPicLb4OW"
    "wxBaoG4oezedktA9u2YcKPtK2380LvNPEyBs8Rg4eSdXncgZjYFu6dWehMpTlHKiVPVPKT"
    "ngZEzdJNGegLbqVMtLLGlEfH67yj+67eND/X242LRv08b+5jJnmCZtc99qXV/tRo/n6C/I"
    "seu6g1LnWJf1GMEDyqBENQX1O5nIiMNraQQbFNHoSmez4Qhw6oOT0IYlFfIlX4RV7F5viK"
    "K3EfSrJatg3cTNpSSVb7GbVektV+NrJa0V6clfCo3oLRU1BgN5nSo1Z6Zf2BZPyhj9nd3b"
    "lHVKl6BlEVFz6mCqC9g0AbOWTgCsWA4cgcYoi9EWZIN4Uw/FO46zOXOPJQUwwZj3hDBZoA"
    "rqoR+KzIKkg/8LUDA0QdImXb/DH18Kq19e0zeRK0OZ89RFBQ5rXqQDOq1B8wyDt9CqkJ+y"
    "N6HBLdT3BzxB+I8M/Tmj6WRCZXf9Rz4PBRj0EnfUUggD7THqKK+vz2v8SUxj28QaFnIgP6"
    "FPCavBq/CNRpnJe0n02j/eT3I7fWf9xcfzEl2f92R5aVu/py5dPyb+Ur9+9lbZiAuTrvJo"
    "mQSIlmFE0wAk5Gmi97dSQitIVrI6/PSwl5WLmAjooV2FQvy0lZhJGSzUfJgDmfdYgIlfah"
    "UFmUrcS03PK3DpSzQ948YM9vpcQ8RiTWB2LnWTGcSZTLhMsvE+KBTNvEmg37VKBE/SXcLv"
    "jaIn1unEfoDkttn0u3AlK3ZYEWMhhFGeN7JlIinI5wYlnnDdce/IR5JWv1Ibi/+/z6w9ir"
    "uuAKRNfbITvbjdv3hgv6daRSv2ikVAD/+37uX3gLA0L9mYkg69/Xf2Siv6v+3oTOwTuYCa"
    "zTx8llh3V0WObmC+ciZefmtS7zpuenQmWGvnAZ+qLYVeJQc5hqUb07823prM5zNjRbsa9s"
    "hzJpMKlmKIUB49uSl9mfVc7yr8KAyTY1mQSjbD8qm2G0DXneg6OjhXbEHc3ZEXeU8Fbhpc"
    "rjqXrVtxDd/b29RdbR9vayF9LUvRghljNJ0hhH2bFuSGT9G5w2PNx908nsx/8Bjg3t6Q=="
)
