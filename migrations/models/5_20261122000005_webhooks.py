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
    "eJztXW1z2joW/isavtx0J8vmpc3t0J2dIQlpuU0gCyS9vcuOMbYSNDEStewQptv/vkeyDd"
    "iWAZtADfUXsGUdyX6OXs45eix/Lw2ZiS1ebmP7mRj41mbPxMR2qYK+l6g+xHCQlOUQlfTR"
    "aJZBJDh635Iy3Musjfzc8qre546tGw5keNAtjiHJxNywycghjAqxnqhTe8KTHiIcjQe6g4"
    "b6E+ZIpHPkiASLsSc4wohDGsLfXN36gDjGqAe38w+ZsTya9MqiRpMZUCWhj5so3KXkm4s1"
    "hz1ikBCY/ee/kEyoiV8wD05HT9oDwZYZgpSYogCZrjmTkUy7u6tfXsmc4sb7msEsd0hnuU"
    "cTZ8DoNLvrErMsZMS1R0yxrTvYnIOWupblqyNI8u4YEhzbxdNbNWcJJn7QXUsoqPTPB5ca"
    "Qi8InrwMOqQOgRu2eZnisUbMf/m3OSeiaY1mR2vXOppWiulW3E5EI36SwahoF4Q6ArTvP7"
    "xyZ+DI1JKo4OJTtXVwevZGwsG482jLixK60g8pqDu6JyoVMENc/scwvxjothrzIH8EdbjR"
    "LHgHCTPAZx0ggC8AaAOQlob6i2Zh+ugM4PTs7QKI76stifLZW4kyg/7q9eiGf+VEXhJgh8"
    "EVHSsOcAe/OMkABzJ7AfICUDu1Pzui5CHn36x5MA9uqn9KnIcT/8p1s/ExyD4H/sV18zwC"
    "Ogyk5FnRps8Zs7BO1ajPhCKY90FqU6AHg8t2QT9vNq9DoJ/Xo6je3ZzXWgfHUgOQiTgyud"
    "7oRKA2bCwg0XQnDvclXHHIEKvxDktGMDd90XJwsIOtvgQPaDapNfH1vKgX1G9q7U715jak"
    "lctqpyaunIS6QZB6cBYZhqaFoC/1zickTtFfzUYtOiVM83X+Kol70l2HaZSNNd2cm++C1A"
    "C1kNbdkZlR62HJQut50XqA0Zza/bufaf0ZTByBRkzldZowk81JRFQNcG1Kuceb0uyjuIO/"
    "nxy//f3t+9Ozt+8hi7zLacrvC5TtDZ3C7H14mjPDREJfN57Gum1qoSvz05nBXHET8QnNl7"
    "z63MKW7qih9p2UqlfKDnapH0GzClJVjVMfEWEzrQvSiHz2DK8lGPmjZO4hEu2LnbCkFhe/"
    "NDwZRlN0qj/KRxJ1i5oiLUrhEc81tmRPeL5dL3eA2xgsBocjnZpopHM+ZrYJZzY4pFi3sI"
    "kOpCOKqWFPpJDwRt98QDq4si9k6A4Re0BHaAgGIEcutcgQjBoz7gtvqJ4u7dKLT7WLzxwN"
    "mGV6TvYjE9617yVXpHc9svEzYS544bg/EC43l/cjb4fAbWFqHkJd/tXfoAqObemnh+74UJ"
    "5R5gzgscQd6V0alDgm0PRdRxZ317ouPPbCY9+h2aDw2AuPvfDYs3vsLofZXINnVvhuYgip"
    "UXco8a7DzenUwHEfLlTC9tp76U5UfAf1ltu1drvebLRTjtulQK6CgqMuvak37jo1SPIPoh"
    "bBKsPQ+xVGofeJg9D76BjkIezbEyn8rZjc9ryuoxx7XfPQWsTAlGNT45gL31ThMCTCq5Qt"
    "II5CzMlIs8FWVrTcZBslJJRpTMmZSxYeII5PT1YYIiBX4iAhr4WB9g16zXMRFLMnobo9Ue"
    "Mdl41OohMH8/0yXc6F4TE/iwK45/VGtfVVbbsE+efN8/OvnVo1oofAZ9PWUciCQjJqJmcd"
    "Ij+K0fDLiIBYhvj1aiW+Qlx7d5SX8zB2fPXCxo9EPJvAYKpH17bSTFeLyti/2evk6O0qFq"
    "7Iljh/eRd/LNfEEAN8ipjSas7JkiJzrJvSx1qnguCnS2+bbTgUv1mckVVCIskRkVhARN3U"
    "ObbThqGWFpRj5WTtOO/erdJv3r1L7jbi2goKCQK/6YyOpUUVpkdG0wOe28UafsbUyTrHLC"
    "hiD3vKhqYYJYgZBq9l5eyhRjYxdqlgzDZ0LSupGLkyjlwFpSu5g+wmuaegdP2KWi8oXduP"
    "fEfe7dDScSMSxF+TLJHf6WwJHyLGnEtGPQ75FbMxeaSf8SQWPFDzwBRv9Owm0jFGGCTb+n"
    "hK40lqcwAJAIG9ReQWDDOt+gW09pXoigUTbxlZ0cYGWKlQjMj3QB7XxKoVFHchS9uj1qpc"
    "7oJnJjANEbwmbF+88i694lZpazsD20Zpn17PVLE+p312AelzbnRYTvqsIsmZRA4oG/W4wU"
    "a4hxwmmZJsDLpC3uzJK6h6eVNvoIHOEWUUipJZBJeRI/wClVgTkURsHqd8bqQWQfi8dEUV"
    "SEc2c2Rj/I0jBm3N0keoN11K8peQoNBBD1mCeypLtcyA+0kocqlDrLjMbNmpBxX2AgesP9"
    "H+1kPMdUTLlqUB5N5rnHAyQXyE9SfJCqWmSLHxA8yQkuRKGXrwZkshwwty6K6RQ2Xzzbp6"
    "MhXOM4uxJDuh3xe7tF1r3dcvatptq3lfv6y1BLcrnNKl1YuL5l2jAzLeQZZlleOzVRgcUW"
    "dujsBxFg2G6YaBOYcannFCYHi5xqJl5FpxV3fX1xUkfru0Vateas3G9dcKmh7mQy0FvXqD"
    "9OqR27eIoXSMkxEOCe0hzK/fhudsinRh9YhgQQo7XJd7lFkVSSUUKxuvpJJXoIEV9K+ch7"
    "zjKx1R3Vk6d8RSbpa1j2VlFS0hzy1BeuWZ9B6WLLScZy1nH+WLUX13tAwDMXvK1pdDkoWW"
    "86zldebqYm7eJU3PhbLXimiqyskxV29vYptzuD/hSUoihFJ4jWWB3emnSwP/BU9vfxlbBU"
    "/vV9R6wdPbOk/P33kq5awUliqmo5xzH/cG5bxTH/MJ9CszHxXDxyuAvfqmjDsKcnjMTM0q"
    "3SSPLcqaVBDaFMTKZGabktS5wsb+DyCC7RHA7cjt9yVNiz14e+070KJM+QcPgTh2HMjNxW"
    "6D0Gwhk7eDImJg9aDxgFgYEQcZui3YkbPd+hnFik3/t1SxIML1/PURn60SfGnA21HxgxAV"
    "TLTe7DI0mJ7ko/WZM/AoaojZ3hllDjqQjL033jaHPUyFEkCCYmxy9IypyezDLu27xhN2Dp"
    "F4zVXwuyCvLMF7yGFQSkFy2zWSm6/wOOwLN4ybk9rijnHTlJ3dMk53TQIDLbOHKq9zRZ5a"
    "pIwtbhtXFVVfyZrLN7enKVt66Uv1voLgp0tBuIKCEn7uDnHeyKZ5I11WncQKyXVg9Etbaw"
    "P+3n+Xtk+1i+bNbbVTP7+uVVDoNB8hUIB1xKCytO/9R+VyrJWMfLdNvezvN+i0BM6I2P7h"
    "fXa6Co3zNJnGearag0QVj1q8+4syHrUP+L46TTZkCaeBOSa4f2ifvFtlqIZcCzamSCLMzu"
    "BT2JbLabNh8YKomZGoGUNT4+I09ZLHonKK5f/8rHfEl7n4qeboqvdi/2g3GwnKnolEdUsM"
    "B/0PWYRvbOVjzsHuu8RyCOVlUd/P8KsFRCE9x3Zoj27GHlGgKCC6Q7sX3dJ0y9IM+FG9er"
    "vI9VaJFz54Ch98LliXxhyIiO3huzMrbay8YF/l+LbKftBTA6/ZcRUNfcVXKWOlbDHk0fYq"
    "b8u6y3eN+1qrflWvXaaNfcwkK2h23KVfmq3P9cbHCvIPuvSqWr+WKf5BPlzwsBI0TnxNpT"
    "IiEsrYQwbFPlkQku4ptol4IMZ0I4hVbQml8FpWxe7YihsxHwqyWvIYuJu0pYKs9itqvSCr"
    "/Wpktbx1nI3wqH4GoyenwO4ypSe6o5eC0qPY9CuZ0qPecWw5p6dJMRJhjjLqwTDPGe0hrk"
    "84Gg8mgutiEvlpTsRdw8DY/1Yn4fJpIA+mfqYPqOc5Hb3wVcr6zJyAFB9jW/UN0y3XLxk+"
    "NoZWDFbzAOY1GM499k7vu4D/ED3rFkwSPbFfFuNY8G/6OicGgmlkMP0e6Xi6P5X4QmpByt"
    "k1Us4TPGvWaEkgm+cAFQxvH+swwFU79WZD7Fo0O+vSf9/V7mpa7b4m3sSaO8lHHGS9b6qs"
    "+fmUbaknp99PUbI/kr8luw7pI6cmhdKp2cRnZCNzUJqIj0J0+6tIexTwCfAUlkKa5h+VK/"
    "pBhn6QtHKR6IAnLlKs5n/nLLj52h646fpfSBqmwTQitb3Axg4ha+ORlXJ48AX2gda0/ekR"
    "wNMABGpIjGK4L1nCj0lvcQX/JxGcXm8B33PE07X1QKJo7Okbe7HilDyK7+bawyorTkWwvA"
    "iWF8HylYLlVWwTY1BSfcfBu3K48DsOszzLwuHJoL5yeDfRFFf2a4UF7mtwvbBu7s3v5Ahu"
    "4sptMsEweel2N131LXwDU3SqFAj72fcQ3eOjo1UC3UdHyZFucS1i9zHqYNXslBz7mxMpYn"
    "4pY34xO2Gbk9mP/wPaNDdK"
)
