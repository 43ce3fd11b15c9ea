"""What an account calls when something happens, how a rotated secret overlaps, and what was sent to try it.

One branch per dialect; statements run one by one inside the caller's transaction, and are safe to run again.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

COLUMNS = {
    "previous_webhook_secret": "{bytes}",
    "previous_webhook_secret_expires_at": "{time}",
    "registration_webhook_url": "VARCHAR(2048)",
    "registration_webhook_method": "VARCHAR(4)",
    "registration_webhook_username": "VARCHAR(255)",
    "registration_webhook_password": "{bytes}",
    "queue_event_webhook_url": "VARCHAR(2048)",
    "queue_event_webhook_username": "VARCHAR(255)",
    "queue_event_webhook_password": "{bytes}",
}
# By the last column that each speaks of: SQLite takes a CHECK of the table only with a new column.
CHECKS = {
    "previous_webhook_secret_expires_at": (
        "accounts_previous_webhook_secret_check",
        "(previous_webhook_secret IS NULL) = (previous_webhook_secret_expires_at IS NULL)",
    ),
    "registration_webhook_password": (
        "accounts_registration_webhook_check",
        "(registration_webhook_url IS NULL) = (registration_webhook_method IS NULL) "
        "AND (registration_webhook_method IS NULL OR registration_webhook_method IN ('GET', 'POST')) "
        "AND (registration_webhook_username IS NULL) = (registration_webhook_password IS NULL) "
        "AND (registration_webhook_username IS NULL OR registration_webhook_url IS NOT NULL)",
    ),
    "queue_event_webhook_password": (
        "accounts_queue_event_webhook_check",
        "(queue_event_webhook_username IS NULL) = (queue_event_webhook_password IS NULL) "
        "AND (queue_event_webhook_username IS NULL OR queue_event_webhook_url IS NOT NULL)",
    ),
}
TABLES = """
CREATE TABLE IF NOT EXISTS webhook_deliveries (
    id {uuid} NOT NULL PRIMARY KEY,
    account_id {uuid} NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    kind VARCHAR(16) NOT NULL,
    method VARCHAR(4) NOT NULL,
    url TEXT NOT NULL,
    request_headers {json} NOT NULL,
    request_body TEXT NOT NULL,
    status INT,
    duration_ms INT NOT NULL,
    reply TEXT,
    reply_truncated {bool} NOT NULL,
    reason TEXT,
    created_at {time} NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_account ON webhook_deliveries (account_id, id)
"""
TYPES = {
    "sqlite": {"uuid": "CHAR(36)", "bool": "INT", "time": "TIMESTAMP", "bytes": "BLOB", "json": "JSON"},
    "postgres": {"uuid": "UUID", "bool": "BOOL", "time": "TIMESTAMPTZ", "bytes": "BYTEA", "json": "JSONB"},
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    dialect = db.capabilities.dialect
    await (_add_to_sqlite if dialect == "sqlite" else _add_to_postgres)(db)
    for statement in TABLES.format(**TYPES[dialect]).split(";"):
        await db.execute_query(statement)
    return ""


async def _add_to_sqlite(db: BaseDBAsyncClient) -> None:
    there = {row["name"] for row in await db.execute_query_dict("PRAGMA table_info(accounts)")}
    for name, form in COLUMNS.items():
        if name not in there:
            check = "CONSTRAINT {} CHECK ({})".format(*CHECKS[name]) if name in CHECKS else ""
            await db.execute_query(f"ALTER TABLE accounts ADD COLUMN {name} {form.format(**TYPES['sqlite'])} {check}")


async def _add_to_postgres(db: BaseDBAsyncClient) -> None:
    for name, form in COLUMNS.items():
        type_ = form.format(**TYPES["postgres"])
        await db.execute_query(f"ALTER TABLE accounts ADD COLUMN IF NOT EXISTS {name} {type_}")
    for name, check in CHECKS.values():
        await db.execute_query(f"ALTER TABLE accounts DROP CONSTRAINT IF EXISTS {name}")
        await db.execute_query(f"ALTER TABLE accounts ADD CONSTRAINT {name} CHECK ({check})")


async def downgrade(db: BaseDBAsyncClient) -> str:
    raise NotImplementedError("restore a backup")


MODELS_STATE = (
    "eJztXf9z2jgW/1c0/NL0JptLkzbbSW9uhiSkyzWBHJB2944b49gi+GIk1rJDmF7/93uSbf"
    "AXGWwnEEM1s5saWU+yP0/f3tNHz99rY2pimx10sfNoGfjGoY+WiZ3aKfpeI/oYw0VWln1U"
    "0yeTRQae4Op3tpBhfmZtEuQWd/U75jq64UKGoW4zDEkmZoZjTVyLEi424HVqD3g2QBZD05"
    "HuorH+gBni6Qy5PMGm9AGuMGKQhvCfnm5/QgxjNIDH+avIeDCZDQ54jSY1oEqL3K+jcI9Y"
    "f3pYc+k9BgmO2b//A8kWMfETZuHPyYM2tLBtxiC1TF6ASNfc2USk3d42Ly5FTv7gd5pBbW"
    "9MFrknM3dEyTy751nmAZfh9+4xwY7uYjMCLfFsO1BHmOQ/MSS4jofnj2ouEkw81D2bK6j2"
    "t6FHDK4XBG9+ADokrgUP7LADgqeaZf49eMyIiKa12j2t2+hpWi2lW/44CY0ESQYlvF1YxO"
    "Wgff/hl7sAR6TWeAXnv9U7e8cnbwUclLn3jrgpoKv9EIK6q/uiQgELxMW/KczPR7ojxzzM"
    "n0AdHrQM3mHCAvBFBwjhCwFaA6S1sf6k2ZjcuyP4efJ+CcRf6x2B8sl7gTKF/ur36FZw50"
    "jc4mDHweUdKw1wDz+52QCHMjsB8hJQe43fe7zkMWN/2lEw967rvwucx7PgzlW79TnMHgH/"
    "/Kp9lgAdBlLrUdKmzyi1sU7kqC+EEpjfgdS6QA8Hl82CftZuX8VAP2smUb29Pmt09t4JDU"
    "AmyxXJzVYvAbXhYA6JprtpuC/gjmuNsRzvuGQCczMQPQgvtrDV1+AFzTaxZ4Gel/WC5nWj"
    "26tf38S0clHvNfido1g3CFP3ThLD0LwQ9K3Z+w3xn+hf7VYjOSXM8/X+VePPpHsu1Qidar"
    "oZme/C1BC1mNa9iVlS63FJpfWqaD3EKKL24OkXWn+EJQ5HI6XyJsmYySISCVUDXOtS7rt1"
    "afaeP8EvR+/e//r+4/HJ+4+QRTzlPOXXJcr2h06+7B0+RJZhPOFONx6mumNqsTvR6cygHn"
    "+I9IQWSF5+6WBbd+VQB0ZK3S9lC7vUj7BZhamyxqlPLL5mei5IE+uLv/BagVEwSlYeIt6+"
    "6BHNanHpW+OjcTJFJ/q9eCVeN68p0aIkFnGksWVbwtF2vdoA7mJYMbgM6cREE52xKXVM+O"
    "WAQYp1G5toTxiimBjOTAhxa/TtJ6SDKftkjb0xokN0iMawAGTII7Y1hkWNmbaF11RPn/TJ"
    "+W+N8y8Mjaht+kb2PeXWdWAlnwrreuLgR4t6YIXjuxE3uZl4HvE4FjwWJuY+1BXcfQNVMO"
    "wIOz32xPviF6HuCF6LP5HeJ2GJUwuavueK4m47V8piVxb7Fs0GymJXFruy2Mtb7B6D2VyD"
    "d5bYbnwIaRBvLPBuwsPpxMBpGy5Wwubae+2WV3wL9R50G91us93qFhy3a6HcKQqv+uS62b"
    "rtNSApuEiuCPIMQx9zjEIfMwehj8kxyEc4WE8UsLdScpuzug4rbHVFobUtAxOGTY1hxm1T"
    "icGQCa9UVkGchJhZE82BtbKk5WavUWJCpcaUiplk8QHi3fFRjiECcmUOEuJeHOhgQa/5Jo"
    "Jk9rSI7szkeKdlk5PozMVst5YuZ3zhEZ1FAdyzZqve+UO+dgnzR5fnZ3/0GvWEHkKbTXuO"
    "QpYUUlIzFesQ1VGMhp8mFoiV8F/nK/EF/Nrbo7yKu7HTuxcOvrf4u3EM5nr0HLvIdLWsjN"
    "2bvY4O3+dZ4fJsmfOXf/PHak2MMcAn8SnlM05WFFlh3dQ+N3qnCP70yU27C5f8bxljJI9L"
    "JNsjknKIyJs6w05RN9TKgiqsnLId58OHPP3mw4fsbsPv5VBI6PgttuhYWZRaepRcesB7e1"
    "jDj5i4ZeeYJUXsYE9Z0xQjBbHE4LWqnB3UyDrGLhmM5YauVSWpkavkyKUoXdkdZDvJPYrS"
    "9TNqXVG6Nu/5Tpzt0IpxIzLEX5IsUd3pbAUfIsWcy0Y9DfkldbB1T77gWcp5IOeBSU70bC"
    "fSKUYYJDv6dE7jyWpzAAkAgf1N5A4MM53mObT2XHRFxcRbRVZ0sAGrVCiG5xta98/EqhMW"
    "dy5K26HWKt3ugne2YBqy8DNh++aXd+EXl6etbQ1sa6V9+j1Txvqc99klpM/I6LCa9FlHgj"
    "OJXFA2GjCDTvAAuVQwJekUdIX82ZOdovrFdbOFRjpDhBIoSmThXEaG8BNUYs94kuWwNOVz"
    "LbVwwueFx6tAOnKoKxrjG4YotDVbn6DBfCsp2EKCQkcDZHPuqSjVNkPup0WQR1zLTssstp"
    "0GUOEgNMDuZtpfBoh6Lm/ZojSA3D/GCT9miE2w/iBYocTkKQ4ewgwpSK6EoqE/W3IZpsih"
    "20YOFc237O7JXLjKLMaa6IRBX+yTbqPztXne0G467a/Ni0aHc7viKX1SPz9v37Z6IONflN"
    "lWeXeSh8GRNOYiBI6TpDNMNwzMGNTwiDMcw6s1liyj0oq7vL26OkX8b590GvULrd26+uMU"
    "zS+roRZFr14jvXri3dmWITWMsxGOCe0gzC/fhiNrimJu9YSgIoXtP5d7VFoVWSWonY0XUs"
    "kL0MAU/aviLu/0TkdSd7bOXL6VW2bvY1VZqiVUuSUIq7yU3uOSSstV1nL5UV6N6tujZRiI"
    "6UO5vhyTVFquspafM1eruXmbNB1xZT/Loykrp8JcvZ3xbUZwf8CzgkQIqfAztgW2p5+udP"
    "wrnt7uMrYUT+9n1Lri6W2cpxdEnio4K8Wl1HRUce7jzqBcdepjNYF+YeajZPh4AbDzB2Xc"
    "UpDjY2ZhVuk6eWxJ1qSE0CYhVmYz26SkzhyB/Ycggp0JwO2K8PuCpkWHfqx9F1qUKf6Bl0"
    "AMuy7kZjzaIDRbyORHUEQUVj1oOrJsjCwXGbrD2ZGLaP2UYEnQ/w1VzIlwg2B/JGCrhF8a"
    "8CMqfuKinIk2WNyGBjMQfLQ76o58ihqijv+LUBftCcbeWz/M4QATrgSQIBibDD1iYlJnv0"
    "/uPOMBu/uIH3Pl/C7IK0rwX3IclqJIbttGcgsUnoZ9acC4iNQGI8bNU7Y2ZJzumRYMtNQZ"
    "y6zOnDy1RBkbDBtX51VfipoPrm+OC7b02rf611MEf/oEhE9RWMLrRojzRzbNH+nK6iRVSK"
    "Udo9+6Whfw9//tk+6xdt6+vqn3mmdXjVMU+1kNFyjAOqFQWdFz/0m5CmulJN9tXYf9gwZd"
    "lMCZENs9vE+O89A4j7NpnMeyGCQyf9Ty6C9Sf9Qu4PviNNnYSrgIzCnB3UP76EOeoRpyLQ"
    "lMkUWYXcAnWVuups3GxRVRsyRRM4WmxvjPwlsey8pR2//V2e9Ib3OxY83VZedi/9FttzKU"
    "vRBJ6tYyXPQ/ZFtsbTsfEQP7zrNs1yLsgNf3GnY1hyim51SE9mQw9oQCeQHJCO2+d0vTbV"
    "sz4I/s6O0y01smrmzwAjZ4xFlXZDmQENvBszO5AisviaucDqscOD01sJpdT9LQcx6lTJWy"
    "QZdH16+8K+o+uG19bXSal83GRVHfx0LyFC2u++Rbu/Ol2fp8ioKLPrmsN69ESnBRDRM8rg"
    "SNWYGmCi0iMsrYQQbFLq0gBN2Th4kYWsY8EETetYRU+Fmriu1ZK65l+aDIatlj4HbSlhRZ"
    "7WfUuiKr/Wxktap1nLXwqF6D0VNRYLeZ0sN3et0GDwlck4WnWtzdXxqiiufzIwvnDlMF0N"
    "6DoY0cPPSY+KgnMkY62N5IJ0gUhXT4j+MuYi5R5KPGGTI+8cZiaAa48kLgNyerIPHANw40"
    "EB5EyrbpVBq8amN1B0yeFG0uYA/xj5f6aX6pDhTDU4MGg/zoU4hP2J/QdIRFPeHNMX3ELI"
    "inNX8sFxl0DG80dOi4T6CSAScQQJ2yhzhAA3r3X2y42gP0oMgz4aH1FPKa/BxvGOo2LxTt"
    "Z9toP8XXkTu7ftze9aLE2f96IcvUqb5C/rTiR/nU+b2sAxP86xEFwYyIKDTjaMIg4GS4+b"
    "J3R2JCO7g38vK8lMgKqxDQcbEKD9VlOSl5GCnZfJQMmIuNDjEhNT5Uyouyk5iqI3+bQDnb"
    "5C0C9vJSFOYJIrEIiF1kx3AhobYJy28T6kNXdog1G/a5gEL9OdwueG0mnxuXEbqjUru3pF"
    "sDqds0QQsZjKKM9r0QUQjLEU5t67zi3kPgMK9l7T6E9/dX7z9M/Kw5dyB6/gnZxWncgd9c"
    "0C9j7vpFY64C+H8Q+P6ZvzHA+GcmQq//QHxkYrDPvzchfPCOTpgu3MfpbYdNVKh885VbIm"
    "X75oUui7rn50LKQ185D31FxtWmiccT6mJizPxwDLLBNZ1p6QhrLbJrPjM95zDbHoqBCvJQ"
    "B+3p4rM6cKUj7pl9uy9ujj3/Wz9is5UniEz+9qNhW9DN37BPkDhx4S5injicIkbSff7pHX"
    "T0Ho2oJ/tO0cZrVwPwFg3AolkU9m8tZBRHSG0pvIZVJD1rmQ2w/GzlLkC7lg+uW2Tilfn4"
    "SFxOfQYmuiQrcpR1rJu44KAcEVF+WXWMQJkbmzQ3kh+FlRgbku/GZpsa8o/W5rA0YOnOT8"
    "oeoAG0XEbJADF9xtB0NOO8SNMyRRw0sYDHps/stJh4G59b6Wf6hAb+ubVB/C6hd9ScgRSb"
    "YgebEltjs/ULamnoUR5hGAEd5geAG3zn8O+jR9328I8Bp4hShrlJc6czy0DQkEZoakGq50"
    "LZ4SdOR9Q2lQ2zbTZMNq9kNRHwWeSSDY3mtU7jc7Pb69R7zXaLf/hy8atP/nnbuG1oja8N"
    "TvuL/Ej2zdeh/o2h+9DSyllIV1o9nxsAPfzpk5t2Fy753zLw5zGSsm2klIkkDSDWw08Zx6"
    "meEzdsm5Y1jd97y/dCYyv2MHtyg1S+FxrMQUX2oiWimw9EsoPb0nylUKT5J+VUPyjRD7KC"
    "X2Se4cyMc5HvCGfFzNWXPsRper5XUBsXwTQhtbmzsVuErIMndsHhIRDYBULF5qdHAE8DEI"
    "ghMErhviIKVEp6g0GgXsmx+HIxoHxDvFhbDyVUYy/e2JW3MXsU387wFXmClqh4Cyregoq3"
    "kI/ziB3LGNVkbEf/zv5SnuMizyp3eDaoL+zezVyKS/u1ZAUeaPB5bt3KL7+zPbiZwX+yd/"
    "Szo/9sp6m+gV193qkKIBxk30F03x0e5nF0Hx5me7r5vcS6jxIXy2anbN9fRET5/Ar6/F51"
    "5/fH/wGfuOCt"
)
