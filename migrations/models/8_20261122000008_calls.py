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
    "eJztXWtz2zpz/isYfUnS0XEdO7c6nc7ItpKjxrH8WnJ8zlt1KFqEbNYUqMOLFfU0/727ACnxLpK6"
    "mKKRmcgUiQWoZ3FZLB4s/m5MTI0a9kGPWk/6iF5Z5pOuUatxQv5uMHVC4SItSZM01Ol0mQBvOOqd"
    "wWVskViZeqn5U/XOdix15ECCsWrYFG5p1B5Z+tTRTYZiQyxTeaTzIdFtMntQHTJRH6lN8L5NHLxh"
    "mOYjXFFiwz1C/3JV4zOxKSVDeJ1/5QkPpvPhAZaomSMoUmf328jcZfpfLlUc856CBGL2X/8Nt3Wm"
    "0Z/U9r9OH5WxTg0tBKmuYQb8vuLMp/zezU3n/AtPiS9+p4xMw52wZerp3Hkw2SK56+raAcrgs3vK"
    "qKU6VAtAy1zD8NTh3xJvDDccy6WLV9WWNzQ6Vl0DFdT497HLRqgXAr/8AHTIHB1e2LIPGJ0puvYf"
    "3msGRBTlsttXeu2+ojRiusXXiWjEuzUyGdYLnTkI2t+/RL5LcPjdBhZw9nvr+vXxhzccDtN27i3+"
    "kEPX+MUFVUcVolwBS8T53xjmZw+qlYy5nz6COrxoGbz9G0vAlw3Ah88HaAuQNibqT8Wg7N55gK8f"
    "3mVA/KN1zVH+8I6jbEJ7FS360ntyxB8h2GFwsWHFAe7Tn046wL5MLUDOALXf/qOPOU9s+y8jCObr"
    "760/OM6Tuffkonv51U8eAP/sonsaAR06Uv0poU6fmqZBVZaM+lIogvkdSG0LdL9z2S3op93uRQj0"
    "004U1Zvvp+3r12+5BiCR7vDbnct+BOqRRRESRXXicJ/DE0ef0GS8w5IRzDVP9MC/2MNa34AfqHWZ"
    "Mff0nNUKOt/bvX7r+1VIK+etfhufHIWagX/39YdIN7TIhNx2+r8T/Er+2b1sR4eERbr+Pxv4Tqrr"
    "mAozZ4qqBcY7/66PWkjr7lQrqfWwpNR6VbTuYxRQu/f2S60/gYmDaMRU3mEpI1lAIqJqgGtbyn27"
    "Lc3e4xv8dvT23cd3n44/vPsESfhbLu58zFC26DrR7B0/BswwvHGnjh5nqqUpoSfB4WxkuvgS8QHN"
    "k/zy7ZoaqpMMtTdJaYlc9rBJ/fKrlX83qXKqUx1tpnVBmurfhOG1AiOvl9wriFzbm22Wx+fGpnkM"
    "0H1BB1ufeWSmtcf4o8nRJHpHZeo9/0lYNpYUaW8J/oJAU0z3EwRb/Wr3QI+CPeXYRGUamaq2PTMt"
    "Db5ZMF2nqkE18ppP0ykbWXMuhHP1N5+JChP9n/rEnRBzTA7JBMxjm7jM0Cdg8mlxT8GWyhmwATv7"
    "vX32zSYPpqEJF8S9ib4Hz4dwwn0PU4s+6aZrkxm9e0CHhM3fh7+ODq9FmdaEsrynr6AIqLDcixF6"
    "4yb/xkznAX4WvpE6YH6OMx0qvuvw7G6uL6Q/Q/oz9mislP4M6c+Q/ozy/gzXhtFcgd+cMLPFLqTN"
    "3AnHuwMvp7IRjc9wQznsrr43brDgGyj3oNfu9Trdy17Bfrvhy50Q/2rAvncub/ptuOVdRC2CPN3Q"
    "pxy90KfUTuhTtA8SCHv2RIHZaExud3PSw2119xuYkwahNfQRZTbVFJvaOHNPmC6kwpsoKyGOQmzr"
    "U8UCWzmh5qbbKCGhUn1KxaZk4Q7i7fFRji4CUqV2EvxZGGjPoFfEFCFh9NSZas2T8Y7LRgfRuUPt"
    "epkup2h4BEdRAPe0c9m6/jPZdvHTB83z0z/77VZED/6cTVlHIRmZlNRMxRpEdRSj0J9THcRKePfz"
    "5bgBr//+KK/iTv742o5F73X8bYjBQo+uZRQZrrLyqN/odXT4Lo+Fi8lSxy/x8NdqTUwowJfgU8o3"
    "OVmRZYV10/ja7p8Q+Biwq24PLvGzzGQkj0sk3SMSc4gkV3WbWkXdUCszqrByyjac9+/ztJv379Ob"
    "DT7LoRDf8VvM6FiZlTQ9Spoe8LtdqtAnypyyY0xGFjVsKVsaYhJBLNF5rcqnhhrZRt+VBGO5rmtV"
    "TrLnKtlzaZSzt0eqYcCbKep0augjMUIUW+pbmdEaq4D7o6aV63whx5lFR2sgnpqBRFqSOutN75Ok"
    "zpeodUnq3P3qTmR3V9EhKll8k4SgvR2hYtzZdNTjkH8xLarfs290HnOQJTMdE/b07SfSMdYj3LbU"
    "2YKqllbnABIAggqixDV0M9edM6jtuQjLkosrubjroANmOsxTcVoE6cb6/ZpIXfvZnfHcatSWw2OP"
    "A52cpoANzimcqrEmbD2e39kiu7ri5vtH4EfrYNzodE3cbkV+5yK7PD3YXsIWmEev3dMvcqorWOjm"
    "WROlM8iizvBswGRAiPLZDHuD0la3qAgLK2mHysL2ytigErDyVm9QaRG+v4M40L2SoT0yp3RIHJPv"
    "6jBnoCsiZkH2CWmdf+9ckgfVJsxkkBVPgvsubEJ/QiHGHG/plh3fnrKVUnBzyrmLRRCVWKbDK+Er"
    "m5jQuxvqlAwXtBeP7gKZPgyJgftkeK6G5u9T0RlxYSw14jJLiswQChz6jrS7ufIvQ2K6Do4lPDeA"
    "nJiW2NjCA3PAzTmxp1R95DtZmIZ3LDqGwZtvzGEmGYvZD8rackPLvm1o4dU4eTVuNeNjIVzlnRcN"
    "3hi9Njlgvfb1j85ZW7m67v7onLevkY8evjNgrbOz7s1lH2TERbQryEU7/ZCHdRp1zgVIpx+iC3jq"
    "aERtG0p4oimL2as1Fs2j0or7cnNxcULwc8Cu261zpXt58ecJWVwO2NdWv33bgnveRTUUJTeJbXGT"
    "2NS9A3s+0fWZjnBIqIYwb74OB6yNYuSAiKCktjfXZVCXVkVaDpKfsSGVbIDMLknsFV/UjK9lR3Vn"
    "qLaDhLQyq9ur8pI1oco1gc/XS+k9LCm1XGUtl+/lZa++P1qGjth8LNeWQ5JSy1XW8jpjtRyb90nT"
    "ASf3Wj7OpHwqvOOgNt7OAO6PdF6Q6pYoLJnYqQjjgk95iAPSEmPJdq8371my3V+i1iXbfedsdy9G"
    "acFhKSwlh6OK7yCoDcpV30BQTaA3vH8gofvYANj5g5vvKcjhPrPw3oxtsggvzHudfVF1w7VoI4FL"
    "GHrezGIUGphSGYukuXmFjjVHih8II72OU+IwC6o1kSfHv+s2uaPI35uoGj0hOr8zs3THoQyecKoc"
    "Dy/t7ZDHx3jeFdWI6iSxDLdeJnIOh7Z79z905PBDuVQk78EzXCBGnh+K0t8mUCgB8wfgsptkhrw/"
    "MqXm1IC8oYUEQnQ7pvmZDBl14Oujd8wXpob3GmF47LFlTiQ1cO+ogaKGxGHPpH8shST1o1mSZ+C1"
    "pGSXZQqHbClSQ37T5mlkUHqpCXpQrobT8/2djgsvTMwMfx6z5cobGq9MQx8lboKIpMg0XfyBVpli"
    "Yj2v9XKLlsJykH5QkeRvgnlwQkxGiWXO/KMq4JuKBgJuQhDbCryKhWdhIMufPuHuhgeV3Sed27HN"
    "guptMRx6/37jHx/x45P/1fv3dr+MhonOMAK633XHFJDqC4sL7tAlti/xvRmlmq1o+n3SEQKZJzZE"
    "JHd4bMPizt6e2yCws+eTOzNh40UO2JeiEvcCuFt07NrUBjgnkyS/eibycWF5VIk8evXlrmDJdcuX"
    "qHW5blm1o1e3Oe3sicNxGgnzTf9RM2uiGTxcJ493nPvUhUda7HV38JBEmLmRLqMLTzW/hRdiWUH7"
    "TIZBKiX3F0OldB7GruHvp4fZgOvQJO/4Tsqs96yzZn5quSNU7gitlKd0W8sCnGcJPX/SqnZ6TQ9L"
    "1bCqH73PU9chVUa09HiwBbHuWQTogEgNUd78EoycY6ZDv5+zjTxzzIrtwKma5vdE07m24FRo46RU"
    "8/bUXGLzyGZ2jOyRUsuzR117I4zRnAF9KwrpSgpjoEJVir/IYU9wx/jqSPfFLII4bzD8YRNX3cem"
    "RVpXHRGvjwwp0vxwl5zH21MdMlEfISNnZvrsPyrW6m34DWuERdxE6Zy6uOBDiFiIINiy7k12hGET"
    "Z4w49KfTJFPVAgEHQy4i98BWDYyQODJc7UUwC2rm45FhCvdm4y5v0kXmzQuBKquntG8iz7QZUmX4"
    "JmIT50WnGUe5D31fBsq+UC2QzrKh23/0Q+azj2eyA85PHsD/DH1yMqzj7sI6Bsf0IvU6JlgLuHdd"
    "txco2tQpE8YsLi4n7ZWetE9c21EE0TbrFNAshlVaFjvkWT3T+s7meFYwr9OfEkaVTOCXQpLSlh9q"
    "7jwWuwBLep6DwjL4U5V7N7m0lG7I1XdpSdIX66Z1SV+UYVeqOijKsCsVQFmGXZFhV/YV5DXDrgRr"
    "+pK2HZlGFjmRc8kQ3zPjJg3wrZ5vFz33NWGRN+Fo2PT13sRjaVev/Q7HIEKtKQDksdpxDdWL4SIO"
    "beV/4EcQmzoOpLY/E5VAy4ZEvALaxATDkMwedMML2WLhOaWLRVfcxB1f9t1VwSJYjaAQe6dX+cvF"
    "NlUNpPaDKC7xDpePoU0N+fl0d6bzII6sw9g5/BvuGHjNl6zfiG3pQ8pQCSDBd2uSJ8o002oO2J07"
    "eqROk1j0ni+kQlqeg/iREz8XuZq8b6vJnsILut0CUnIbbxEfp6vp0NGa1iRpYp7z3LpIHrtb5Gm0"
    "sOgvvOSD71fHBWt647b144TAx4CB8Anxcyi44PYpx3rbp9Tltk/R1TbRsymipyurk1gmlQ6LfttT"
    "eoC/+DtgvWPlrPv9qtXvnF60T0joaxkFbYFHwbSpCYUprlWMThGRq7BWypIqDt/laQ+YLJ1WwR8m"
    "toqi6/wRsfrh/eE4z2r/cfpq/3EUaWFRFQF5KVFDfDfOpghZwkVgjgnWD+2tbBeLTVASbMvVWyTD"
    "4vKYxpL7JGNolmS1ZOUj13+rsyQUXwm0jxVHvU9wiP1nr3uZouylSFS3+sgh/0cM3d7a4lBggn3n"
    "6oajM/sAy3uOeTVCFNJzjF8WpZJFFIgZRPllwrulqIahjOAjyVWZHcwpLi7n4AXm4AFnXRFzICJW"
    "C2pl2Bo4PsphDBwfpdoC+Cgy+ginpwKzZsdN2UCeY89CLJcdujx6ovAeL/vg5vJH+7rzpdM+L+r7"
    "WEqekOX1gN12r791Lr+eEO9iwL60Ohf8jndRjSl4WAmKrXuaKmREpORRQ5JJnSwITvh7opY+1keL"
    "hbO8tkSi8FpWxf7YilsxHySfL70P3E9ml+TzvUStSz7fS+PzVa3hbIVq9hykp4oCu8+HTfU4a+UM"
    "/iO/QTUaSXE0o2mamQE1eWpltEiek9UDFcYj1KhkQQwiM9X2mTUz3Xlokkc6dYIHKgQTCy4L8lRO"
    "OKHGw51M1DlxbUpMpKlAfjgfibN7dv0CnOUTZRRFj6XyiDnEX+FcMnIwmkSTiKYgDs1alHciokro"
    "oTdfUIwGDEWJDXNyavunVUhCz74RetYjMqzJYNhRTywpDHVahNwSheGZF36rZpS8rJXfqqH/DEu/"
    "mescWXrIXumQGsitAemqS++N9tNpk8dVJ70M0ssgvQy5vAzIJ3faT5S/e8y/EHjazPIsICHeUSgm"
    "LHCYtX4PgxzxjsbCII0ifAtMpAnPiuCEH3HHmTU8FqjxebF/ssYccMVM4DtuiSH8ha8sqCDoAjAM"
    "c2YnH2q9o7K9/UKx/YveHiVK/HsiV0sNeQvwJfArjjCf8RRrXs7CdWE+UbspIlsuXsshI3MCvwgP"
    "uR4wKGSI2xSgzKSXOCBDkx+QrDxCCwq8Ex3rP/3dUyLFK5v0OufSF7Fvvojihk9tDZ49MXDyUQqf"
    "LwLprrbI1CQAaZrzI73bS/V6vMiYCpWI7V5LNKETsFLIROmeuZBQDb1ym9/9ErCwCgEdFqtwV13W"
    "/5nH+5nu+0yBuVjvEBKS/UOluBq1xFTGXtoFyulT3iJgZ+ciMY9sV6aAV8KUJJ2XvJSQZOTyZGR1"
    "7CRFE0uHfSEgUV9nBxn8bDt5bMzaNh6Uqp9Jt4Wt47s/+PIFIBxb1nnGtQfPYd5IW33wnzdXrz9M"
    "RdKcKxB9EYdrGfNrKKoL+W2Crl8yQRXA/6Hn+7fFwoBNTEPzvf5DsHR1Y9hElh/3wVsqs1XuPo4v"
    "O+yiQOmbr5yJlO6b57os6p5fCEkPfeU89BXpVzsanUxNh7LRXAR9TOpc44kye1h9mVwRrOqc3Wx3"
    "zDsqSGNa5DUnUWPwQxVZ19abJn84cR3V8YMa4g2eSCw/jgwdmvkr+7Ogd0Mi2+X0NN6TNvkRfkfv"
    "yIPpWglLvTsvXXbAe9QB82pR2L+1lJEcIbmk8ByzokRebzrAdTpmL8qhfp+LQ/0+g0P9Poquzqau"
    "k3LyWxZpNywnObvNkpzdiarRgp1yQET6ZSUDWk43djnduKV3D6b5eE4N/Yla80bCZCOaJHOqMROJ"
    "kSSLqXWad6YBpjvG4zogQ6i5tsmGxFbneI73HHmRmq7xaOvcgKeaYHbqNv81glspEn0mQxEdZxh+"
    "ysw7U5uDlD2jlndqd3iusdvyObXU9yg/UOgBLVuEmR/+jfA3yZNquPTXECmiJm5xHZM71dZHBCrS"
    "A994arqO2I8KU5U5TGIMeRb53s1h0nklq4mAa5FLdrXR9Lr9tdPrX7f6ne7lCQl+G7B/3LRv2kr7"
    "Rxtpf4Ev0bb5PNS/CTQfs7RyltKVVs/XNkAPHwN21e3BJX6WgT/PJCl9jhSbIiXu8U0/t3mdrb37"
    "ZNZs47TmyBhUZC06QXT34U5ruCyNlkKR6h+Vk+2gRDtIC7GZGikqNZpmvkBRFZuubjpUlOYKr6Ay"
    "KYJpRGp3Ebj2CFmLTo2C3YMnUAdCxe6HRwBPARDYiGMUw31FrOmYtDzRPn+kaTERL1bXfQlZ2YtX"
    "dultTO/FZbwFGW9Bxlt46fEWplPDD8OdRHkMPG5mMh6XCfMTcag6eiCee73JKTBYPHdET1XbnpmW"
    "luOc0s+LxDZPLQ4+TeTebLVAdIDfel5slXveiZhRLUvEe+aY6I5NRL8jMuBOdXle6p56vIueiLfW"
    "UXhV6wK3TS3Bv8lx49JN5qBMLUDeudUM/RSete2vfBYMUJkiXgtV7CZQZRTB9VZu0nOrskqqupIT"
    "q92eFbFWCwnkUYdp/g5YcVEIfZMswZ+VwZHLykWeMFk2yCWeROed6LTGEJKSRQ3bxxZHkSiI648k"
    "6TlWWDNVHkxi9bzkgJKVT4VVU7VBJQpj+YElKyc5uJQcXORZqc+7giVXVNI7qPquqMjD5uqm9QQW"
    "vzxsTh42Vw3jQS5LvvBlyTOwzRoJ65H8fjNrIXJh1eXZoEOuROXq/eOCTFXL0fER1cjdnExM5vBz"
    "1Ya6NmySGd+ygkOUiEquOost+VDgKzw/DeTxlLexauEffDTWLdshFp2a8OiR0RnRnaR9Os/xGrha"
    "6VVxL4HOQ81bc4w30CS2KbLneMInI3eUaDq+9p3riJfzKtBnL0q7PlGFNL7b62XtahJdewMFDgOL"
    "xH7MeWZizAJsmSh44hVnug7utcJ8dYsExA7ILV+VxQITT96DLHlkBJ5KZdqAMfxRGIV+yl9bvYcW"
    "sfx5Og+dP4Y3hUcYiSwY7/4VLtOysX7vkTjxrD0vML8mfvTy7ELM5gHqNsdlwLA80wYrOvjzDkiL"
    "8FVe0CANnwfomHxVeGqo3oGDcgm4YoNOM2MJOFyxC43uMUm5YThsNd3D752pcz5dLxjfLkG0yite"
    "JT1hb4/yeI8hVfpWsaOY71jToW9Kj5yx2lUcyqDC7kew00+7N5fnJ8S7GLDuTd+75V+V8RTnUUq6"
    "SmIKwQNUFED9Lim6ZnoTiIhVWBFV8gPjlLgw1CEhCXQuoLm5WsqvFJasoV9pf/1ICYRsL0hACT1H"
    "RDeg6Iq1sjrpmQKEZZQclJMarrKGbX2qFN9YGhKSm0vjrmGHWhOdiWlg2h6xDMsjUVqaIPlsPctl"
    "j4XQ9gUkwDkBVkfJAdSyMF7K1A/mrczYF75E3tWWPowvIZvd+Uwa137pPSz84NIbxYrM51HmhODn"
    "gF23z7rX553Lrxiox7scsF6/e83veRfiTvtc3GifD9iXVucCv4u/A3bevmj38YZ3UcYfsPl4PktV"
    "4dEwSVZXUZUv86lwo2vctn6cEPgYsO9XxycEPirgnwm0G/1/qbIgdEUpY/epVlJaDjWyl/7t6Oj4"
    "+OPR4fGHT+/fffz4/tPhwnCKP8qyoE47XzuXEQpT0m57H9HM4B35lLKJSB5SKyFIn2DeZ6b42Ip0"
    "W8t8qtxttW57Sg/6K/EXBp1j5az7/arV75xewIgV+lq1AQYAnppQbFEef3oOFdZUxWj8Swzv3NEj"
    "TRnmV+G/lK0f8h+O82w7PU7fdnqcjrlF7wvGj0+SrSHmG9/qu8StYDz5mKBEuwjaSw5LQe5CRhaS"
    "xJA6klpWksmTFZMyJipPSlwnJKUPp+o4dDJ1ijiyk4V3x3Q+3O5EYGPubLldIB3q+m4XkPx2yW+X"
    "/Pbc/HZQVSOF4v6NrjiTgjMawdrNyXS/fdBHDyIklTkmKvMJzpzD7LEkySM0axvpyzOeWtdOxGEM"
    "E/WR2h593CaLg/cSmOzbKQaZ6v04wZxH5RLk98mLYkzzkvDj3Z6xpCWT9znWBeWoLEdlOSrnGpVb"
    "1IIhKWlQ9p5kjsnqMs2qATkd1A0PYqkz2cR2nTBz9TS43uBVeSJW+piVugU6faxK3wNdhzFqKxQh"
    "bFQFEPaS1xDdt4eHeSyAw8N0CwCfRUJ2mAwN6SJOx4CIPACnoLcxZifscjD79f9WWI+j"
)
