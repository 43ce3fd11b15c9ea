"""Calls with their recordings, the ids that gateways know them by, and the keys that recordings were stored with.

On PostgreSQL `calls` is partitioned by month of the id (a UUIDv7, which begins with its time), with a default partition for
what no month is there for. The account comes first in every key but the index of ids. One branch per dialect; statements run
one by one inside the caller's transaction, and are safe to run again.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

RECORDING_CHECK = """
    (recording_state = 'NONE') = (recording_key IS NULL)
    AND (recording_key IS NULL) = (recording_bucket IS NULL)
    AND (recording_key IS NULL) = (recording_region IS NULL)
    AND (recording_key IS NULL) = (recording_vendor IS NULL)
    AND (recording_key IS NULL) = (recording_format IS NULL)
    AND (recording_state <> 'STORED' OR recording_size_bytes IS NOT NULL AND recording_duration_ms IS NOT NULL)
    AND (recording_state <> 'FAILED' OR recording_error IS NOT NULL)
"""
TABLES = f"""
CREATE TABLE IF NOT EXISTS stored_credentials (
    id {{uuid}} NOT NULL PRIMARY KEY,
    account_id {{uuid}} NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    vendor VARCHAR(16) NOT NULL,
    endpoint_url VARCHAR(2048),
    access_key_id VARCHAR(256) NOT NULL,
    secret_access_key {{bytes}} NOT NULL,
    fingerprint {{bytes}} NOT NULL,
    created_at {{time}} NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS stored_credentials_fingerprint_unique ON stored_credentials (account_id, fingerprint);
CREATE UNIQUE INDEX IF NOT EXISTS stored_credentials_id_account_unique ON stored_credentials (id, account_id);
CREATE TABLE IF NOT EXISTS calls (
    id {{uuid}} NOT NULL,
    account_id {{uuid}} NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    application_id {{uuid}},
    gateway_call_id VARCHAR(128) NOT NULL,
    direction VARCHAR(8),
    from_number {{number}},
    to_number {{number}},
    started_at {{time}} NOT NULL,
    answered_at {{time}},
    ended_at {{time}},
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
    recording_credential_id {{uuid}},
    recording_error {{json}},
    recording_attempts INT NOT NULL,
    updated_at {{time}} NOT NULL,
    CONSTRAINT calls_recording_check CHECK ({RECORDING_CHECK}),
    CONSTRAINT calls_recording_credential_fk FOREIGN KEY (recording_credential_id, account_id)
        REFERENCES stored_credentials (id, account_id) ON DELETE RESTRICT,
    PRIMARY KEY (account_id, id)
){{partitioned}};
CREATE TABLE IF NOT EXISTS call_keys (
    id {{uuid}} NOT NULL,
    account_id {{uuid}} NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    gateway_call_id VARCHAR(128) NOT NULL,
    PRIMARY KEY (account_id, gateway_call_id)
);
CREATE INDEX IF NOT EXISTS call_keys_by_id ON call_keys (id);
CREATE INDEX IF NOT EXISTS calls_by_id ON calls (id);
CREATE INDEX IF NOT EXISTS calls_by_application ON calls (account_id, application_id, id)
    WHERE application_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS calls_by_from ON calls (account_id, from_number, id);
CREATE INDEX IF NOT EXISTS calls_by_to ON calls (account_id, to_number, id);
CREATE INDEX IF NOT EXISTS calls_recorded ON calls (account_id, id) WHERE recording_state <> 'NONE';
CREATE INDEX IF NOT EXISTS calls_underway ON calls (account_id, id) WHERE recording_state IN ('RECORDING', 'STORING');
CREATE INDEX IF NOT EXISTS calls_by_credential ON calls (account_id, recording_credential_id)
    WHERE recording_credential_id IS NOT NULL
"""
TYPES = {
    "sqlite": {
        "uuid": "CHAR(36)",
        "bytes": "BLOB",
        "time": "TIMESTAMP",
        "json": "JSON",
        "number": "VARCHAR(255)",
        "partitioned": "",
    },
    "postgres": {
        "uuid": "UUID",
        "bytes": "BYTEA",
        "time": "TIMESTAMPTZ",
        "json": "JSONB",
        # Byte order, so that an index serves prefixes.
        "number": 'VARCHAR(255) COLLATE "C"',
        "partitioned": " PARTITION BY RANGE (id)",
    },
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    dialect = db.capabilities.dialect
    for statement in TABLES.format(**TYPES[dialect]).split(";"):
        await db.execute_query(statement)
    if dialect == "postgres":
        await db.execute_query("CREATE TABLE IF NOT EXISTS calls_default PARTITION OF calls DEFAULT")
    return ""


async def downgrade(db: BaseDBAsyncClient) -> str:
    raise NotImplementedError("restore a backup")


MODELS_STATE = (
    "eJztXWlz2ziT/isofZnMlsbr2LnW2doqxVYy2jiWX0uOZ97VFkWLkMw1BWp4WNHO5r9vN0"
    "BKvEVShykaqYoskWiAfBpHo/Gg8XdjamrUsI961HrSR/TaMp90jVqNM/J3g6lTCl/SkjRJ"
    "Q53NVgnwgqPeG1zGFomVmZea31XvbcdSRw4kGKuGTeGSRu2Rpc8c3WQoNsQylUe6GBLdJv"
    "MH1SFT9ZHaBK/bxMELhmk+wjdKbLhG6F+uanwkNqVkCI/zrzzh0WwxPMISNXMERepssovM"
    "Xab/5VLFMScUJBCz//pvuKwzjf6gtv9z9qiMdWpoIUh1DTPg1xVnMePXbm87F595Snzwe2"
    "VkGu6UrVLPFs6DyZbJXVfXjlAG700oo5bqUC0ALXMNw1OHf0k8MVxwLJcuH1VbXdDoWHUN"
    "VFDj38cuG6FeCLz5EeiQOTo8sGUfMTpXdO0/vMcMiCjKVbev9Np9RWnEdIuPE9GId2lkMq"
    "wXOnMQtL9/inxX4PCrDSzg/PfWzavTd79yOEzbmVj8Joeu8ZMLqo4qRLkCVojzvzHMzx9U"
    "KxlzP30EdXjQMnj7F1aArxqAD58P0A4gbUzVH4pB2cR5gJ/v3mRA/L11w1F+94ajbEJ7FS"
    "36yrtzwm8h2GFwsWHFAe7TH046wL5MLUDOALXf/qOPOU9t+y8jCOarb60/OM7ThXfnsnv1"
    "xU8eAP/8svspAjp0pPpTQp3+ZJoGVVky6iuhCOb3ILUr0P3OZb+gf+p2L0Ogf+pEUb399q"
    "l98+o11wAk0h1+uXPVj0A9sihCoqhOHO4LuOPoU5qMd1gygrnmiR75Xw6w1jfgBbUuMxae"
    "nrNaQedbu9dvfbsOaeWi1W/jnZNQM/CvvnoX6YaWmZC7Tv93gj/JP7tX7eiQsEzX/2cDn0"
    "l1HVNh5lxRtcB451/1UQtp3Z1pJbUelpRar4rWfYwCaveefqX1JzBxEI2YyjssZSQLSERU"
    "DXDtSrmvd6XZCT7Bbyev37x/8+H03ZsPkIQ/5fLK+wxli64Tzd7xY8AMwwv36uhxrlqaEr"
    "oTHM5GposPER/QPMnPX2+ooTrJUHuTlJbI5QCb1E+/WvlXkyqnOtPRZtoUpJn+VRheazDy"
    "esmDgsi1vdlmeXxubZrHAD0UdLD1mSdmWnuM35qeTKNXVKZO+Cth2VhSpL0l+AsCTTHdTx"
    "Bs9evdAz0K9pRjE5VpZKba9ty0NPhlwXSdqgbVyCs+TadsZC24EM7Vf/1IVJjo/9Cn7pSY"
    "Y3JMpmAe28Rlhj4Fk0+Lewp2VM6ADdj57+3zrzZ5MA1NuCAmJvoePB/CGfc9zCz6pJuuTe"
    "b0/gEdEjZ/Hv44OjwWZVoTyvLu/gJFQIXlXozQEzf5L2Y6D/Ba+ETqgPk5znWo+K7Ds7u9"
    "uZT+DOnPOKCxUvozpD9D+jPK+zNcG0ZzBd45YWaLXUibuVOOdwceTmUjGp/hhnLYX31v3G"
    "LBt1DuUa/d63W6V72C/XbDlzsj/rcB+9a5uu234ZL3JWoR5OmGPuTohT6kdkIfon2QQNiz"
    "JwrMRmNy+5uTHu+qu9/CnDQIraGPKLOpptjUxpl7wnQhFd5EWQlxFGJbnykW2MoJNTfdRg"
    "kJlepTKjYlC3cQr09PcnQRkCq1k+D3wkB7Br0ipggJo6fOVGuRjHdcNjqILhxq18t0+YSG"
    "R3AUBXA/da5aN38m2y5++qB5/unPfrsV0YM/Z1M2UUhGJiU1U7EGUR3FKPTHTAexEt79fD"
    "luwet/OMqruJM/vrZj0YmO74YYLPXoWkaR4Sorj/qNXifHb/JYuJgsdfwSN3+u18SUAnwJ"
    "PqV8k5M1WVZYN40v7f4ZgY8Bu+724Ct+lpmM5HGJpHtEYg6R5KpuU6uoG2ptRhVWTtmG8/"
    "Ztnnbz9m16s8F7ORTiO36LGR1rs5KmR0nTA97bpQp9oswpO8ZkZFHDlrKjISYRxBKd17p8"
    "aqiRXfRdSTCW67rW5SR7rpI9l0Y5e3ukGgY8maLOZoY+EiNEsaW+tRltsAp4OGpau84Xcp"
    "xZdLQB4qkZSKQlqbPe9D5J6nyJWpekzv2v7kR2dxUdopLFt0kIOtgRKsadTUc9Dvln06L6"
    "hH2li5iDLJnpmLCn7zCRjrEe4bKlzpdUtbQ6B5AAEFQQJW6gm7npnENtz0VYllxcycXdBB"
    "0w02GeitMiSDfWJxsideNnd85zq1FbDo89DnRymgI2OKdwqsaGsPV4fufL7OqKm+8fgZfW"
    "wbjR6Ya43Yn8LkR2eXqwg4QtMI/euKdf5lRXsNDNsyFK55BFneHZgsmAEOWzGQ4GpZ1uUR"
    "EWVtIOlaXtlbFBJWDlrd+g0iJ8fwdxoHslQ3tkzuiQOCbf1WHOQVdEzILsM9K6+Na5Ig+q"
    "TZjJICueBPdd2IT+gEKMBV7SLTu+PWUnpeDmlAsXiyAqsUyHV8JfbGJC726oMzJc0l48ug"
    "tk+jAkBu6T4bkamr9PRWfEhbHUiMusKDJDKHDoO9LuF8q/DInpOjiW8NwAcmJaYmMLD8wB"
    "FxfEnlH1ke9kYRpesegYBm++MYeZZCxmPyhryw0th7ahhVfj5NW49YyPpXCVd140eGP02u"
    "SA9do33zvnbeX6pvu9c9G+QT56+MqAtc7Pu7dXfZARX6JdQS7a6bs8rNOocy5AOn0XXcBT"
    "RyNq21DCE01ZzF6vsWgelVbc59vLyzOCnwN2025dKN2ryz/PyPLrgH1p9dt3LbjmfamGou"
    "QmsR1uEpu592DPJ7o+0xEOCdUQ5u3X4YC1UYwcEBGU1Pbmpgzq0qpIy0HyM7akki2Q2SWJ"
    "veKLmvG17KjuDNV2kJBWZnV7XV6yJlS5JvD5eim9hyWllqus5fK9vOzVD0fL0BGbj+Xack"
    "hSarnKWt5krJZj8yFpOuDk3sjHmZRPhXcc1MbbGcD9kS4KUt0ShSUTOxVhXPApD3FAWmIs"
    "2e715j1LtvtL1Lpku++d7e7FKC04LIWl5HBU8R0EtUG56hsIqgn0lvcPJHQfWwA7f3DzAw"
    "U53GcW3puxSxbhpTnR2WdVN1yLNhK4hKH7zSxGoYEplbFImptX6FgLpPiBMNLrOCUOs6Ba"
    "E3ly/Lduk3uK/L2pqtEzovMrc0t3HMrgDqfK8fDS3g55vI3nXVGNqE4Sy3DnZSLncGi79/"
    "9DRw4/lEtF8h7cwwVi5PmhKP1tCoUSMH8ALrtJ5sj7IzNqzgzIG1pIIES3Y5ofyZBRB34+"
    "esd8YWp4rhGGxx5b5vSIQMMjKhTtZSneZK7aZAy1TyOO+kiZIBwiszDpmVT7kVpIjkS2Zd"
    "OnIxJd8xPE+IsooUlW4sGxEkXljMOeyTxZCUnWSbMkxcFrxMne0hT62kqkhtSq7TPYoPRS"
    "voGgXA09A4frCRAOoNgM4HkspmtvVL42DX2UuP8ikiLTavLHeGWGifW8htMdjr0r++BBxf"
    "0FJlgmZ8RklFjm3D8lg+GoDrYJ7n8QOxq8ioXHcOAGA/qEGyseVDZJOjJklwXV22I49v79"
    "xj/e48cH/6f37/VhGQ1TnWHwdb/rjikg1Q0XF9yjN+5QQoszSjVb0fRJ0ukFmYdFRCT3eG"
    "LE8srBHhkhsLMX03szYc9HDthXohL3ArhbdAyTSBvgnE6TXPqZyMeF5Skp8tTXl7t4JpdM"
    "X6LW5ZJp1U593eW0syfO5WkkzDf9W82siWbwXJ88jnnuzhc+XrHN3sHzGWHmRrqMLp3k/B"
    "J+ESsa2kcyDLI4uasaKqXzMHYNfys/zAZchyY55vdSZr1nnTXzU8vNqHIzaqU8pbtaFuAU"
    "T+j5kxbU02t6WKqGVf3kbZ66DqkyArXH4zyI9dEiQAdEaojy9pdg5BwzHfrDnG3kmWNWbP"
    "NP1TR/IJrOtfunQns2pZp3p+YS+1a2s1nlgJRanrjq2lshq+aMJVxRSNeyJwMVqlLUSQ57"
    "gjvGV0e6L2YZP3qLkRebhBP9LNK67ohQgWRIkWGIG/Q8yqDqkKn6CBk5c9MnHlKxVm/DO2"
    "wQkXEbpXPW5JIPIcIwgmDLmpjsRJASiUN/OE0yUy0QcDDaI3IPbNXA4Iwjw9VeBLOgZj4e"
    "GSHxYPYM8yZdZN68FKiyekr7JvJMmyFVhm8iNnFedppxlPvQ92Wg7AvVAuksG7r9Rz9kPv"
    "t4Jjvg/OQB/M/RJycjSu4vomRwTC9Sr2OCtYB733V7iaJNnTIR1OLictJe6Un71LUdRRBt"
    "sw4gzWJYpWWxR57VM63vbI9nBfM6/SlhVMkEfiUkKW35oebOY7EBsaTnOSgs405VuXeTS0"
    "vphlx9l5YkfbFuWpf0RRnxpaqDooz4UgGUZcQXGfHlUEHeMOJLsKavaNuRaWSRw0BXDPED"
    "M27SAN/p0XrRI2cTFnkTTqVNX+9NPBF3/drvcAwi1JoBQB6rHddQvUgs4rxY/gdegtjUcS"
    "C1/ZGoBFo2JOIV0CYmGIZk/qAbXrQYC49IXS664ibu+LLvvgoWcXIEhdg7OMtfLrapaiC1"
    "H0RxiXe4ug1tasgD2NybzoM4LQ9D0vBfuGPgFV+y/lVsSx9ShkoACb5bkzxRpplWc8Du3d"
    "EjdZrEohO+kAppeQ7iJad+LnI1+dBWkz2FF3S7BaTkNt4iPk5X06GjNa1p0sQ855F5kTz2"
    "t8jTaGHRn3nJR9+uTwvW9MZd6/sZgY8BA+Ez4udQcMHtQ471tg+py20foqttomdTRE9XVi"
    "exTCodkf2up/QAf/F3wHqnynn323Wr3/l02T4joZ9lFLQDHgXTZiYUprhWMTpFRK7CWilL"
    "qjh+k6c9YLJ0WgW/mdgqiq7zR8Tqh/e70zyr/afpq/2nUaSFRVUE5JVEDfHdOpsiZAkXgT"
    "kmWD+0d7JdLDZBSbAt12+RDIvLEyJL7pOMoVmS1ZKVj1z/rc6SUHwl0D5VHHWS4BD7z173"
    "KkXZK5GobvWRQ/6PGLq9s8WhwAT73tUNR2f2EZb3HPNqhCik5xi/LEoliygQM4jyy4R3S1"
    "ENQxnBR5KrMjuYU1xczsELzMEDzroi5kBErBbUyrA1cHqSwxg4PUm1BfBWZPQRTk8FZs2O"
    "m7KBPMeehVgue3R59EThPV720e3V9/ZN53OnfVHU97GSPCOr7wN217352rn6cka8LwP2ud"
    "W55Fe8L9WYgoeVoNi6p6lCRkRKHjUkmdTJguCEvydq6WN9tFw4y2tLJApvZFUcjq24E/NB"
    "8vnS+8DDZHZJPt9L1Lrk8700Pl/VGs5OqGbPQXqqKLCHfM5Vj7NWzuE/8htUo5EURzOapp"
    "kZUJOnVkbL5DlZPVBhPEKNSpbEIH5Mk8esmevOQ5M80pkTPFAhmFhwWZCnciaObRK4k6m6"
    "wKOZiIk0FcgP5yNxds++H4CzfKKMoujpUx4xh/grnCtGDkaTaBLRFMR5XcvyzkRUCT305E"
    "uK0YChKLFhTk5t/7QKSeg5NELPZkSGDRkMe+qJJYWhTouQO6IwPPPCb9WMkpe18ls19J9h"
    "6TdznSNLD9krHVIDuTUgXXXpvdFhOm3yuOqkl0F6GaSXIZeXAfnkTvuJ8meP+RcCd5tZng"
    "UkxDsKxYQFztHWJzDIEe9oLAzSKMK3wESa8KwITvgRd36qs+mdnsHnxf7JGgvAdSJOdsYt"
    "MYQ/8LUFFQRdAIZhzu3k87T3VLa3Xyi2f9Hbo0SJf03kaqkhbwE+BP7EEeYjHqDNy1m6Ls"
    "wnajdFZMvlYzlkZE7hjfB87QGDQoa4TQHKTHqIIzI0+QHJyiO0oMAz0bH+w989JVL8YpNe"
    "50L6Ig7NF1Hc8KmtwXMgBk4+SuHzRSDd1xaZmgQgTXN+pHd7qV6PFxlToRKx3WuJJnQCVg"
    "qZKN0zFxKqoVdu+7tfAhZWIaDDYhXuqsv6P/N4P9N9nykwF+sdQkKyf6gUV6OWmMrYS/tA"
    "OX3KWwTs7Fwk5pHtyhTwSpiSpPOSVxKSjFyejKyOnaRoYumwLwUk6pvsIIPXtpPHxqxt40"
    "Gp+pl0O9g6vv+DL18AwrFlnWdce/Ac5o201Qf/fnP9+sNMJM25AtEXcbhWMb+GorqQ36bo"
    "+iVTVAH8H3q+f1ssDNjENDTf6z8ES1c3hk1k+XEfvKUyW+Xu4/iywz4KlL75yplI6b55rs"
    "ui7vmlkPTQV85DX5F+taPR6cx0KBstRNDHpM41niizh9VXyRXBqs7ZzXbHvKOCNKZFXnES"
    "NQY/VJF1bf3a5DenrqM6flBDvMATieXHkaFDM//F/ijo3ZDIdjk9jfekTX6E38kb8mC6Vs"
    "JS795Llx3wAXXAvFoU9m+tZCRHSC4pPMesKJHXmw5wnY7Zi3Ko3+biUL/N4FC/jaKrs5nr"
    "pJz8lkXaDctJzm6zJGd3qmq0YKccEJF+WcmAltONfU437uj9g2k+XlBDf6LWopEw2YgmyZ"
    "xqzEViJMliap3mnWmA6Y7xuI7IEGqubbIhsdUFnuO9QF6kpms82jo34KkmmJ26zd9GcCtF"
    "oo9kKKLjDMN3mXlvaguQsufU8k7tDs819ls+p5b6HuUHCj2gZYsw88O/Ef4meVINl/4cIk"
    "XUxC2uY3Kv2vqIQEV64BtPTdcR+1FhqrKASYwhzyI/uDlMOq9kPRFwI3LJvjaa3rS/dHr9"
    "m1a/0706I8FfA/aP2/ZtW2l/byPtL/Aj2jafh/o3heZjllbOSrrS6vnSBujhY8Cuuz34ip"
    "9l4M8zSUqfI8WmSIl7fNPPbd5ka+8hmTW7OK05MgYVWYtOEN1/uNMaLkujpVCk+kflZDso"
    "0Q7SQmymRopKjaaZL1BUxaar2w4VpbnCK6hMi2AakdpfBK4DQtaiM6Ng9+AJ1IFQsf/hEc"
    "BTAAQ24hjFcF8TazomLU+0zx9pWkzEi9V1X0JW9uKVXXob03txGW9BxluQ8RZeeryF2czw"
    "w3AnUR4Dt5uZjMdVwvxEHKqOHojnXm9yCgwWzx3RM9W256al5Tin9OMysc1Ti4NPE7k3Oy"
    "0QHeB3nhdb5Z53ImZUqxLxmjkmumMT0e+IDLhTXZ6XeqAe76In4m10FF7VusBdU0vwb3Lc"
    "uHSTOShTC5D3bjVDP4VnbfsrnwUDVKaI10IV+wlUGUVws5Wb9NyqrJKqruTEardnRWzUQg"
    "J51GGavwdWXBRC3yRL8GdlcOSycpEnTJYNcokn0XknOm0whKRkUcP2scNRJAri5iNJeo4V"
    "1kyVB5NYPS85oGTlU2HVVG1QicJYfmDJykkOLiUHF3lW6vOuYMkVlfQOqr4rKvKwubppPY"
    "HFLw+bk4fNVcN4kMuSL3xZ8hxss0bCeiS/3sxaiFxadXk26JBrUbl6/7gkM9VydLxFNXK/"
    "IFOTOfxctaGuDZtkzres4BAlopKrznJLPhT4C56fBvJ4yttYtfAP3hrrlu0Qi85MuPXI6J"
    "zoTtI+ned4DFyt9Kq4l0DnoeatBcYbaBLbFNlzPOGTkXtKNB0f+951xMN5FeijF6Vdn6pC"
    "Gp/t1ap2NYmu/QoFDgOLxH7MeWZizAJsmSh45hVnug7utcJ8dYsExI7IHV+VxQITT96DLH"
    "lkBJ5KZdqAMXwpjEI/44+tTqBFrF5P56Hzx/CkcAsjkQXj3f+Cy7RsrE88EieetecF5tfE"
    "S6/OLsRsHqBuc1wGDMszbbCig693RFqEr/KCBmn4PEDH5KvCM0P1DhyUS8AVG3SaGUvA4Y"
    "pdaHSPScoNw2GraQLvO1cXfLpeML5dgmiVV7xKesJen+TxHkOq9K1iJzHfsaZD35QeOWO9"
    "qziUQYXdj2Cnf+reXl2cEe/LgHVv+94l/1sZT3EepaSrJKYQPEBFAdTvk6JrpjeBiFiFFV"
    "ElPzBOiQtDHRKSQOcCmpurpfxKYcka+pUO14+UQMj2ggSU0HNEdAuKrlgrq5OeKUBYRslB"
    "OanhKmvY1mdK8Y2lISG5uTTuGnaoNdWZmAam7RHLsDwSpaUJks/Ws1z2WAhtX0ACnBNgdZ"
    "QcQC0L45VM/WDeyYx96UvkXW3pw/gSstmfz6Rx45few8KPrrxRrMh8HmXOCH4O2E37vHtz"
    "0bn6goF6vK8D1ut3b/g174u40r4QF9oXA/a51bnE3+LvgF20L9t9vOB9KeMP2H48n5Wq8G"
    "iYJKurqMpX+VS40TXuWt/PCHwM2Lfr0zMCHxXwzwTajf6/VFkSuqKUsUmqlZSWQ43spX87"
    "OTk9fX9yfPruw9s379+//XC8NJzit7IsqE+dL52rCIUpabe9j2hm8I58StlGJA+plRCkTz"
    "DvM1N8bEW6rVU+Ve62Wnc9pQf9lfgLg86pct79dt3qdz5dwogV+lm1AQYAnplQbFEef3oO"
    "FdZUxWj8Kwzv3dEjTRnm1+G/kq0f8u9O82w7PU3fdnqajrlFJwXjxyfJ1hDzrW/1XeFWMJ"
    "58TFCiXQTtFYelIHchIwtJYkgdSS0ryeTJikkZE5UnJW4SktKHU3UcOp05RRzZycL7Yzof"
    "73YisDV3ttwukA51fbcLSH675LdLfntufjuoqpFCcf9K15xJwRmNYO3mZLrfPeijBxGSyh"
    "wTlfkEZ85h9liS5BGatY305TlPrWtn4jCGqfpIbY8+bpPlwXsJTPbdFINM9X6cYM6jcgny"
    "+/RFMaZ5Sfjx5sBY0pLJ+xzrgnJUlqOyHJVzjcotasGQlDQoe3cyx2R1lWbdgJwO6pYHsd"
    "SZbGK7Tpi5ehrcbPCqPBErfcxK3QKdPlal74Guwxi1E4oQNqoCCHvJa4ju6+PjPBbA8XG6"
    "BYD3IiE7TIaGdBGnY0BEHoBT0NsYsxP2OZj9/H+HDbrh"
)
