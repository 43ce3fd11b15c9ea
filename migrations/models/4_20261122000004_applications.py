"""Applications, and the two that an account points at: its own alone, held by composite foreign keys.

One branch per dialect; statements run one by one inside the caller's transaction, and are safe to run again.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

WEBHOOKS_CHECK = """
    (calling_webhook_username IS NULL) = (calling_webhook_password IS NULL)
    AND (call_status_webhook_url IS NULL) = (call_status_webhook_method IS NULL)
    AND (call_status_webhook_username IS NULL) = (call_status_webhook_password IS NULL)
    AND (call_status_webhook_url IS NOT NULL OR call_status_webhook_username IS NULL)
"""
TABLES = f"""
CREATE TABLE IF NOT EXISTS applications (
    id {{uuid}} NOT NULL PRIMARY KEY,
    account_id {{uuid}} NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    name VARCHAR(64) NOT NULL,
    name_key {{key}} NOT NULL,
    calling_webhook_url VARCHAR(2048) NOT NULL,
    calling_webhook_method VARCHAR(4) NOT NULL,
    calling_webhook_username VARCHAR(255),
    calling_webhook_password {{bytes}},
    call_status_webhook_url VARCHAR(2048),
    call_status_webhook_method VARCHAR(4),
    call_status_webhook_username VARCHAR(255),
    call_status_webhook_password {{bytes}},
    record_all_calls {{bool}} NOT NULL,
    created_at {{time}} NOT NULL,
    updated_at {{time}} NOT NULL,
    version INT NOT NULL,
    CONSTRAINT applications_webhooks_check CHECK ({WEBHOOKS_CHECK})
);
CREATE UNIQUE INDEX IF NOT EXISTS applications_name_unique ON applications (account_id, name_key);
CREATE UNIQUE INDEX IF NOT EXISTS applications_id_account_unique ON applications (id, account_id);
CREATE INDEX IF NOT EXISTS applications_by_account ON applications (account_id, id)
"""
TYPES = {
    "sqlite": {"uuid": "CHAR(36)", "key": "TEXT", "bool": "INT", "time": "TIMESTAMP", "bytes": "BLOB"},
    "postgres": {
        "uuid": "UUID",
        # Byte order, so that both databases sort names alike and the index serves ranges.
        "key": 'TEXT COLLATE "C"',
        "bool": "BOOL",
        "time": "TIMESTAMPTZ",
        "bytes": "BYTEA",
    },
}
POINTERS = {
    "accounts_device_calling_application_fk": "device_calling_application_id",
    "accounts_siprec_application_fk": "siprec_application_id",
}
FOREIGN_KEY = "CONSTRAINT {name} FOREIGN KEY ({column}, id) REFERENCES applications (id, account_id) ON DELETE RESTRICT"


async def upgrade(db: BaseDBAsyncClient) -> str:
    dialect = db.capabilities.dialect
    for statement in TABLES.format(**TYPES[dialect]).split(";"):
        await db.execute_query(statement)
    await (_point_on_sqlite(db) if dialect == "sqlite" else _point_on_postgres(db))
    return ""


async def _point_on_postgres(db: BaseDBAsyncClient) -> None:
    for name, column in POINTERS.items():
        await db.execute_query(f"ALTER TABLE accounts ADD COLUMN IF NOT EXISTS {column} UUID")
        if not await db.execute_query_dict("SELECT 1 FROM pg_constraint WHERE conname = $1", [name]):
            await db.execute_query(f"ALTER TABLE accounts ADD {FOREIGN_KEY.format(name=name, column=column)}")


async def _point_on_sqlite(db: BaseDBAsyncClient) -> None:
    """Rebuilds `accounts`, since SQLite adds no table constraints. Foreign keys are off, so its children stay."""
    definition = await _definition(db)
    if all(name in definition for name in POINTERS):
        return
    there = {row["name"] for row in await db.execute_query_dict("PRAGMA table_info(accounts)")}
    for column in POINTERS.values():
        if column not in there:
            await db.execute_query(f"ALTER TABLE accounts ADD COLUMN {column} CHAR(36)")
    inside = (await _definition(db)).partition("(")[2].rstrip().removesuffix(")")
    keys = ", ".join(FOREIGN_KEY.format(name=name, column=column) for name, column in POINTERS.items())
    others = await db.execute_query_dict(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'accounts' AND type IN ('index', 'trigger') AND sql IS NOT NULL"
    )
    await db.execute_query("DROP TABLE IF EXISTS accounts_rebuilt")
    await db.execute_query(f"CREATE TABLE accounts_rebuilt ({inside}, {keys})")
    await db.execute_query("INSERT INTO accounts_rebuilt SELECT * FROM accounts")
    await db.execute_query("DROP TABLE accounts")
    await db.execute_query("ALTER TABLE accounts_rebuilt RENAME TO accounts")
    for row in others:
        await db.execute_query(row["sql"])


async def _definition(db: BaseDBAsyncClient) -> str:
    rows = await db.execute_query_dict("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'accounts'")
    return str(rows[0]["sql"])


async def downgrade(db: BaseDBAsyncClient) -> str:
    raise NotImplementedError("restore a backup")


MODELS_STATE = (
    "eJztXW1z4jgS/isqvlzmKpfN22SnMldXRQiZYSeBFJCZnT2ujLBFooqRGEtOQs3Nf9+WbI"
    "NfCS+BGOIPIUZWS+ZpqdWtfhA/SwNuEVvstYjzQE1y7fAHahGndIp+lhgeELjIqrKLSng4"
    "nFRQBRL3bC0jvMrG0K+t7+KekA42JVToY1sQKLKIMB06lJQzJdZVfRr3ZNRFVKDHOyzRAN"
    "8TgVS5QFIV2JzfwxVBAsoQ+eFi+yMShKAuPM5vuuLecNTdUz1a3IQuKbtdReMuoz9cYkh+"
    "S0BCYfbf/0ExZRZ5IiJ4O7w3+pTYVgRSaqkGdLkhR0NddnNTO7/QNdWD9wyT2+6ATWoPR/"
    "KOs3F116XWnpJR924JIw6WxApBy1zb9tURFHlPDAXSccn4Ua1JgUX62LWVgkr/7rvMVHpB"
    "8Mn3QIdMUnhgR+wx8mhQ6z/+Y4ZEDKPeaButatswSgndqseJacQvMjlT44IyqUD7+ctrdw"
    "KOLi2pDiqfy82do5N3Gg4u5K2jb2roSr+0IJbYE9UKmCCu/ycwr9xhJx3zoH4MdXjQRfAO"
    "CiaATyZAAF8A0AogLQ3wk2ETdivv4O3J8RSIv5abGuWTY40yh/nqzei6f+dQ31JgR8FVEy"
    "sJcJs8yWyAA5mtAHkKqO3qn23V8kCIH3YYzJ2r8p8a58HIv3PZqH8KqofAr1w2zmKggyGl"
    "Dylj+oxzm2CWjvpEKIZ5D6RWBXpgXNYL+lmjcRkB/awWR/Xm6qza3DnQGoBKVOriWr0dg9"
    "p0iILEwDIJ9znckXRA0vGOSsYwt3zRveBiA0d9CT6g1WD2yNfztFlQu6q22uWr64hWzsvt"
    "qrpzGJkGQenOScwMjRtB32rtz0i9RX816tX4kjCu1/6rpJ4Ju5IbjD8a2Aqtd0FpgFpE6+"
    "7QWlDrUclC63nReoBRSO3+00+0/gAujkIjofIay1jJQhIxVQNcq1Luwao0e6ue4F+HB8e/"
    "H384Ojn+AFX0U45Lfp+ibM90Kre3fx9yw1RBD5v3j9ixjMid8HJmclc9RHJB8yUvvjSJjW"
    "U61H6QUvZa2cAp9SsYVkFp2uDEQ6p8pmVBGtIvnuP1DEa+lcw9RGp88UOeNeKStwaHg3gJ"
    "ZvhWfyTVt+opNqJSIuLQYMuOhMPjeoYA+JH07iAGNQQB10HqSFUQbBML7egQlDDTGenqKg"
    "599xFhCGKf6MAdIN5H+2gArp9ALrPpANwZKyUKXkUPRShchMKbYWaLULgIhYtQePFQ2BWw"
    "TBrwmVOCImVCqswdaLxr8HCYmSQZHEVaWN94L92ojm+g371WtdWqNeqtOe12KZA7RcFVh1"
    "3V6jftKhT5F/EFdxYz9GEGK/Qh0wh9iNsgD2F/0Z4jkEnIrS+c2c9xOBOG1qYmYQJCe0GE"
    "CvpSPPFMeFNlC4jjEAs6NBxwSFNGbraPEhFayKbkLNaJGoiDo8MZTATUyjQS+l4U6GggkL"
    "J6UoadUTreSdn4IjqSRGyX63KmHI/wKgrgntXq5eb3dN8lqB92z8++t6vlmB4solOlJrZt"
    "eDIDYgywFDqEN+YLjp5taIm4KWfTY5nIKGJqHGIugXhmAwXSRQZlu/fSiwzKW9R6kUFZvz"
    "8co1LNu0Sli7/kFurGrlCJRFU26knIL7hD6C37QkaJ/Y70tEsKgW4zkU4kYKDYwY/jzf2s"
    "MQeQABDE21pqgplp1iow2mfKDhaJr+dyg+CIcsdSjj/U69PbJbFqBs1VdGtbNFpjGdWx67"
    "704Bq3tE1grTS36s3HtNTqeKZOyayGbMLzmdUyqnyuVr4gSYlAXWHyIekiyTXZlz+CrpC3"
    "ZopTVD6/qtXRHRaIcQZN6SoqrykQeYJO7JEqoo5IZldX0kuHddi5q7pAGDlc6jH2D4E4+E"
    "02HqIuBKEPlLvC344xoNG7LgJLK7xWbQt5dxBlyGWS2kkZ8jSksDqCx92FDrtB2NUbGf/s"
    "Iu5Kmz4Q3RpA7nGl4c0IiSHB9yoxjJmlShzSh3URYfhjHPW9NVLJiCJRvGmJYj18F03zjI"
    "XznNEs6Unoz8UOa1WbX2uVqnHdbHytnVebKs8TLemwcqXSuKm3Qca7WCTfc3Ayy25uPIQL"
    "beaexPdysWkSIaCHB2IvqrF4G7lW3MXN5eUpUq8d1qyWz41G/fL7KRpf5kMtBdVihVSLod"
    "sDhys1HM5GOCK0hTC//BgO+RTz5YhigkWCaHfBBFGaezefKrJaWFAn+QyPX1MlE+953p3u"
    "6S29wM735igr5xvdyfxGXHc2FtJwxUIZj+faKkZCnkeCjsoX0ntUstBynrW8uJUvrPrmaB"
    "kMMb9fbC5HJAst51nLy6zVxdq8SZoObWUvtaOZ1k6OqaZbs7cZwv2ejOakP6QKF+y8gp23"
    "3Tytgp33FrVesPPWzs7zv94956oUlSqWo5wzHrcG5bwTHvMJ9AvzHVPMxwuAPfvJJxsKct"
    "Rmzs0lXSWPLc6VTCG0pdAps5ltqVTOGQ4P6YMIcYYAt3euh6Zp8b53oKWEEWXpf/AhkCBS"
    "Qm2hjveAYQuVvGNKEAevBz3eUZsgKpGJHYcSMTkSkzOScqbImjpWRLiunx/x2SrBcZ7eES"
    "YflahionUnt2HAdDUfrcflnUdRQ9zx3jEu0Y5m7L3b9eQIU0oACUaIJdADYRZ3djus55r3"
    "RO4ih9xqfhfU1S14H3IQtFKQ3DaN5OYrPAn71MMjQlJrPD1iXLKxx0dg16JgaLkzSIs6Z+"
    "SpxdpY4xESZdX1he557+r6aM6RXvpW/nqK4KXDQPgUBS287mkRnmUzPEu3qE4SjeR6Y/Rb"
    "y2gB/t7/DmsdGZXG1XW5XTu7rJ6iyNt8bIECrEMOnRmuk0HvzDJTUbkca2VBvtvh/vEs80"
    "FVy8Tbu5k6K+YlcMbEtg/vk6NZaJxH2TTOozjSnkc1D8gTiS3E98VpshFPeB6YE4Lbh/bh"
    "+1lMNdTKth3vswizE/hSfMvnabNR8YKouSBRM4GmIdTbuVMe09op0v/5yXck01ziyJA47d"
    "uwf7Qa9QxlT0TiuqWmRP9HNhUry3yEAuyeS21JmdhT/b1GXK0giug5cVpj/GDGmAJVA/HT"
    "Gr3dLQPbtj6qKO1rt9NC7zTxIgafIwYPbdbN4w7ExLbwuzMzHbI25Yy15BFr/qanAVGzdF"
    "MG+oxfpUy0ssYtj5bXeUv3vXdT/1pt1i5q1fN59z4mkqdoct1h3xrNL7X6p1PkX3TYRbl2"
    "qUv8i3yE4FElGIL6mprLichoYwsZFNvkQWi65wNxaD90vsOsvkSq8FJexeb4iitxHwqyWr"
    "YN3EzaUkFWe4taL8hqb42slreJsxIe1WswenIK7CZTesKneaWeTxU57GvaIVXR88WeZ/E0"
    "+ohg8w75R2zvIlcQR3WvSSdDLMQjd6wZGC0fx5WFru1RZJLsnVV3qFg73yiMcFcijNSeDf"
    "ICoEmPqoz3EZUiOB/LO0EKdFIwazaVWVMcflP8ztCrLeAr+Z2h4GT94NcP5mRjZIhvhSrW"
    "w8qIIziAZYBnJLVn+EJnZmt5VknpU7V9iuClw64bLbhUr4vskc5ik7JNUsIiJUa370UsNU"
    "NCbWwj++D9TOyD91PYB++fU0PgkqVk2aaQEKa1UnARFuQiKFCDvf8llpCMJrZwfqxwFYmD"
    "uPxKkt1ijjWT58UkMc4XXFCmtZNj1eRtUYnDuPjCMq2lYnFZcHEpWDWvy6op0pLZBmozE1"
    "RFWvItar1ISxZpydw6D0Va8q2nJYlDzbtSWkbSu7M7NRk5qfNcGjIb1BfOwWWazNR5nWIt"
    "fQ0ul3tb5Tr4ItYyO82WuRhlR8XZq1GudrrzFAGrSTUHwn71LUT3YH9/Fmr1/n42t1rdiw"
    "VPnEmStjpl82pDIuv/js6G02kTfsI6F7NffwN9v+AK"
)
