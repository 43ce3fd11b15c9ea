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
    "eJztXWtz2zpz/isYfUnS0XEdO7c6nc7ItpKjxrH8WnJ8zlt1KFqEbNYUqMOLFfU0/727AC"
    "nxLpK6mKKRmcgUiQWoZ3FZLB4s/m5MTI0a9kGPWk/6iF5Z5pOuUatxQv5uMHVC4SItSZM0"
    "1Ol0mQBvOOqdwWVskViZeqn5U/XOdix15ECCsWrYFG5p1B5Z+tTRTYZiQyxTeaTzIdFtMn"
    "tQHTJRH6lN8L5NHLxhmOYjXFFiwz1C/3JV4zOxKSVDeJ1/5QkPpvPhAZaomSMoUmf328jc"
    "ZfpfLlUc856CBGL2X/8Nt3Wm0Z/U9r9OH5WxTg0tBKmuYQb8vuLMp/zezU3n/AtPiS9+p4"
    "xMw52wZerp3Hkw2SK56+raAcrgs3vKqKU6VAtAy1zD8NTh3xJvDDccy6WLV9WWNzQ6Vl0D"
    "FdT497HLRqgXAr/8AHTIHB1e2LIPGJ0puvYf3msGRBTlsttXeu2+ojRiusXXiWjEuzUyGd"
    "YLnTkI2t+/RL5LcPjdBhZw9nvr+vXxhzccDtN27i3+kEPX+MUFVUcVolwBS8T53xjmZw+q"
    "lYy5nz6COrxoGbz9G0vAlw3Ah88HaAuQNibqT8Wg7N55gK8f3mVA/KN1zVH+8I6jbEJ7FS"
    "360ntyxB8h2GFwsWHFAe7Tn046wL5MLUDOALXf/qOPOU9s+y8jCObr760/OM6Tuffkonv5"
    "1U8eAP/sonsaAR06Uv0poU6fmqZBVZaM+lIogvkdSG0LdL9z2S3op93uRQj0004U1Zvvp+"
    "3r12+5BiCR7vDbnct+BOqRRRESRXXicJ/DE0ef0GS8w5IRzDVP9MC/2MNa34AfqHWZMff0"
    "nNUKOt/bvX7r+1VIK+etfhufHIWagX/39YdIN7TIhNx2+r8T/Er+2b1sR4eERbr+Pxv4Tq"
    "rrmAozZ4qqBcY7/66PWkjr7lQrqfWwpNR6VbTuYxRQu/f2S60/gYmDaMRU3mEpI1lAIqJq"
    "gGtbyn27Lc3e4xv8dvT23cd3n44/vPsESfhbLu58zFC26DrR7B0/BswwvHGnjh5nqqUpoS"
    "fB4WxkuvgS8QHNk/zy7ZoaqpMMtTdJaYlc9rBJ/fKrlX83qXKqUx1tpnVBmurfhOG1AiOv"
    "l9wriFzbm22Wx+fGpnkM0H1BB1ufeWSmtcf4o8nRJHpHZeo9/0lYNpYUaW8J/oJAU0z3Ew"
    "Rb/Wr3QI+CPeXYRGUamaq2PTMtDb5ZMF2nqkE18ppP0ykbWXMuhHP1N5+JChP9n/rEnRBz"
    "TA7JBMxjm7jM0Cdg8mlxT8GWyhmwATv7vX32zSYPpqEJF8S9ib4Hz4dwwn0PU4s+6aZrkx"
    "m9e0CHhM3fh7+ODq9FmdaEsrynr6AIqLDcixF64yb/xkznAX4WvpE6YH6OMx0qvuvw7G6u"
    "L6Q/Q/oz9mislP4M6c+Q/ozy/gzXhtFcgd+cMLPFLqTN3AnHuwMvp7IRjc9wQznsrr43br"
    "DgGyj3oNfu9Trdy17Bfrvhy50Q/2rAvncub/ptuOVdRC2CPN3Qpxy90KfUTuhTtA8SCHv2"
    "RIHZaExud3PSw2119xuYkwahNfQRZTbVFJvaOHNPmC6kwpsoKyGOQmzrU8UCWzmh5qbbKC"
    "GhUn1KxaZk4Q7i7fFRji4CUqV2EvxZGGjPoFfEFCFh9NSZas2T8Y7LRgfRuUPtepkup2h4"
    "BEdRAPe0c9m6/jPZdvHTB83z0z/77VZED/6cTVlHIRmZlNRMxRpEdRSj0J9THcRKePfz5b"
    "gBr//+KK/iTv742o5F73X8bYjBQo+uZRQZrrLyqN/odXT4Lo+Fi8lSxy/x8NdqTUwowJfg"
    "U8o3OVmRZYV10/ja7p8Q+Biwq24PLvGzzGQkj0sk3SMSc4gkV3WbWkXdUCszqrByyjac9+"
    "/ztJv379ObDT7LoRDf8VvM6FiZlTQ9Spoe8LtdqtAnypyyY0xGFjVsKVsaYhJBLNF5rcqn"
    "hhrZRt+VBGO5rmtVTrLnKtlzaZSzt0eqYcCbKep0augjMUIUW+pbmdEaq4D7o6aV63whx5"
    "lFR2sgnpqBRFqSOutN75OkzpeodUnq3P3qTmR3V9EhKll8k4SgvR2hYtzZdNTjkH8xLarf"
    "s290HnOQJTMdE/b07SfSMdYj3LbU2YKqllbnABIAggqixDV0M9edM6jtuQjLkosrubjroA"
    "NmOsxTcVoE6cb6/ZpIXfvZnfHcatSWw2OPA52cpoANzimcqrEmbD2e39kiu7ri5vtH4Efr"
    "YNzodE3cbkV+5yK7PD3YXsIWmEev3dMvcqorWOjmWROlM8iizvBswGRAiPLZDHuD0la3qA"
    "gLK2mHysL2ytigErDyVm9QaRG+v4M40L2SoT0yp3RIHJPv6jBnoCsiZkH2CWmdf+9ckgfV"
    "JsxkkBVPgvsubEJ/QiHGHG/plh3fnrKVUnBzyrmLRRCVWKbDK+Erm5jQuxvqlAwXtBeP7g"
    "KZPgyJgftkeK6G5u9T0RlxYSw14jJLiswQChz6jrS7ufIvQ2K6Do4lPDeAnJiW2NjCA3PA"
    "zTmxp1R95DtZmIZ3LDqGwZtvzGEmGYvZD8rackPLvm1o4dU4eTVuNeNjIVzlnRcN3hi9Nj"
    "lgvfb1j85ZW7m67v7onLevkY8evjNgrbOz7s1lH2TERbQryEU7/ZCHdRp1zgVIpx+iC3jq"
    "aERtG0p4oimL2as1Fs2j0or7cnNxcULwc8Cu261zpXt58ecJWVwO2NdWv33bgnveRTUUJT"
    "eJbXGT2NS9A3s+0fWZjnBIqIYwb74OB6yNYuSAiKCktjfXZVCXVkVaDpKfsSGVbIDMLkns"
    "FV/UjK9lR3VnqLaDhLQyq9ur8pI1oco1gc/XS+k9LCm1XGUtl+/lZa++P1qGjth8LNeWQ5"
    "JSy1XW8jpjtRyb90nTASf3Wj7OpHwqvOOgNt7OAO6PdF6Q6pYoLJnYqQjjgk95iAPSEmPJ"
    "dq8371my3V+i1iXbfedsdy9GacFhKSwlh6OK7yCoDcpV30BQTaA3vH8gofvYANj5g5vvKc"
    "jhPrPw3oxtsggvzHudfVF1w7VoI4FLGHrezGIUGphSGYukuXmFjjVHih8II72OU+IwC6o1"
    "kSfHv+s2uaPI35uoGj0hOr8zs3THoQyecKocDy/t7ZDHx3jeFdWI6iSxDLdeJnIOh7Z79z"
    "905PBDuVQk78EzXCBGnh+K0t8mUCgB8wfgsptkhrw/MqXm1IC8oYUEQnQ7pvmZDBl14Ouj"
    "d8wXpob3GmF47LFlTiQ1cO+ogaKGxGHPpH8shST1o1mSZ+C1pGSXZQqHbClSQ37T5mlkUH"
    "qpCXpQrobT8/2djgsvTMwMfx6z5cobGq9MQx8lboKIpMg0XfyBVpliYj2v9XKLlsJykH5Q"
    "keRvgnlwQkxGiWXO/KMq4JuKBgJuQhDbCryKhWdhIMufPuHuhgeV3Sed27HNguptMRx6/3"
    "7jHx/x45P/1fv3dr+MhonOMAK633XHFJDqC4sL7tAlti/xvRmlmq1o+n3SEQKZJzZEJHd4"
    "bMPizt6e2yCws+eTOzNh40UO2JeiEvcCuFt07NrUBjgnkyS/eibycWF5VIk8evXlrmDJdc"
    "uXqHW5blm1o1e3Oe3sicNxGgnzTf9RM2uiGTxcJ493nPvUhUda7HV38JBEmLmRLqMLTzW/"
    "hRdiWUH7TIZBKiX3F0OldB7GruHvp4fZgOvQJO/4Tsqs96yzZn5quSNU7gitlKd0W8sCnG"
    "cJPX/SqnZ6TQ9L1bCqH73PU9chVUa09HiwBbHuWQTogEgNUd78EoycY6ZDv5+zjTxzzIrt"
    "wKma5vdE07m24FRo46RU8/bUXGLzyGZ2jOyRUsuzR117I4zRnAF9KwrpSgpjoEJVir/IYU"
    "9wx/jqSPfFLII4bzD8YRNX3cemRVpXHRGvjwwp0vxwl5zH21MdMlEfISNnZvrsPyrW6m34"
    "DWuERdxE6Zy6uOBDiFiIINiy7k12hGETZ4w49KfTJFPVAgEHQy4i98BWDYyQODJc7UUwC2"
    "rm45FhCvdm4y5v0kXmzQuBKquntG8iz7QZUmX4JmIT50WnGUe5D31fBsq+UC2QzrKh23/0"
    "Q+azj2eyA85PHsD/DH1yMqzj7sI6Bsf0IvU6JlgLuHddtxco2tQpE8YsLi4n7ZWetE9c21"
    "EE0TbrFNAshlVaFjvkWT3T+s7meFYwr9OfEkaVTOCXQpLSlh9q7jwWuwBLep6DwjL4U5V7"
    "N7m0lG7I1XdpSdIX66Z1SV+UYVeqOijKsCsVQFmGXZFhV/YV5DXDrgRr+pK2HZlGFjmRc8"
    "kQ3zPjJg3wrZ5vFz33NWGRN+Fo2PT13sRjaVev/Q7HIEKtKQDksdpxDdWL4SIObeV/4EcQ"
    "mzoOpLY/E5VAy4ZEvALaxATDkMwedMML2WLhOaWLRVfcxB1f9t1VwSJYjaAQe6dX+cvFNl"
    "UNpPaDKC7xDpePoU0N+fl0d6bzII6sw9g5/BvuGHjNl6zfiG3pQ8pQCSDBd2uSJ8o002oO"
    "2J07eqROk1j0ni+kQlqeg/iREz8XuZq8b6vJnsILut0CUnIbbxEfp6vp0NGa1iRpYp7z3L"
    "pIHrtb5Gm0sOgvvOSD71fHBWt647b144TAx4CB8Anxcyi44PYpx3rbp9Tltk/R1TbRsymi"
    "pyurk1gmlQ6LfttTeoC/+DtgvWPlrPv9qtXvnF60T0joaxkFbYFHwbSpCYUprlWMThGRq7"
    "BWypIqDt/laQ+YLJ1WwR8mtoqi6/wRsfrh/eE4z2r/cfpq/3EUaWFRFQF5KVFDfDfOpghZ"
    "wkVgjgnWD+2tbBeLTVASbMvVWyTD4vKYxpL7JGNolmS1ZOUj13+rsyQUXwm0jxVHvU9wiP"
    "1nr3uZouylSFS3+sgh/0cM3d7a4lBggn3n6oajM/sAy3uOeTVCFNJzjF8WpZJFFIgZRPll"
    "wrulqIahjOAjyVWZHcwpLi7n4AXm4AFnXRFzICJWC2pl2Bo4PsphDBwfpdoC+Cgy+ginpw"
    "KzZsdN2UCeY89CLJcdujx6ovAeL/vg5vJH+7rzpdM+L+r7WEqekOX1gN12r791Lr+eEO9i"
    "wL60Ohf8jndRjSl4WAmKrXuaKmREpORRQ5JJnSwITvh7opY+1keLhbO8tkSi8FpWxf7Yil"
    "sxHySfL70P3E9ml+TzvUStSz7fS+PzVa3hbIVq9hykp4oCu8+HTfU4a+UM/iO/QTUaSXE0"
    "o2mamQE1eWpltEiek9UDFcYj1KhkQQwiM9X2mTUz3Xlokkc6dYIHKgQTCy4L8lROOKHGw5"
    "1M1DlxbUpMpKlAfjgfibN7dv0CnOUTZRRFj6XyiDnEX+FcMnIwmkSTiKYgDs1alHciokro"
    "oTdfUIwGDEWJDXNyavunVUhCz74RetYjMqzJYNhRTywpDHVahNwSheGZF36rZpS8rJXfqq"
    "H/DEu/mescWXrIXumQGsitAemqS++N9tNpk8dVJ70M0ssgvQy5vAzIJ3faT5S/e8y/EHja"
    "zPIsICHeUSgmLHCYtX4PgxzxjsbCII0ifAtMpAnPiuCEH3HHmTU8FqjxebF/ssYccMVM4D"
    "tuiSH8ha8sqCDoAjAMc2YnH2q9o7K9/UKx/YveHiVK/HsiV0sNeQvwJfArjjCf8RRrXs7C"
    "dWE+UbspIlsuXsshI3MCvwgPuR4wKGSI2xSgzKSXOCBDkx+QrDxCCwq8Ex3rP/3dUyLFK5"
    "v0OufSF7Fvvojihk9tDZ49MXDyUQqfLwLprrbI1CQAaZrzI73bS/V6vMiYCpWI7V5LNKET"
    "sFLIROmeuZBQDb1ym9/9ErCwCgEdFqtwV13W/5nH+5nu+0yBuVjvEBKS/UOluBq1xFTGXt"
    "oFyulT3iJgZ+ciMY9sV6aAV8KUJJ2XvJSQZOTyZGR17CRFE0uHfSEgUV9nBxn8bDt5bMza"
    "Nh6Uqp9Jt4Wt47s/+PIFIBxb1nnGtQfPYd5IW33wnzdXrz9MRdKcKxB9EYdrGfNrKKoL+W"
    "2Crl8yQRXA/6Hn+7fFwoBNTEPzvf5DsHR1Y9hElh/3wVsqs1XuPo4vO+yiQOmbr5yJlO6b"
    "57os6p5fCEkPfeU89BXpVzsanUxNh7LRXAR9TOpc44kye1h9mVwRrOqc3Wx3zDsqSGNa5D"
    "UnUWPwQxVZ19abJn84cR3V8YMa4g2eSCw/jgwdmvkr+7Ogd0Mi2+X0NN6TNvkRfkfvyIPp"
    "WglLvTsvXXbAe9QB82pR2L+1lJEcIbmk8ByzokRebzrAdTpmL8qhfp+LQ/0+g0P9Poquzq"
    "auk3LyWxZpNywnObvNkpzdiarRgp1yQET6ZSUDWk43djnduKV3D6b5eE4N/Yla80bCZCOa"
    "JHOqMROJkSSLqXWad6YBpjvG4zogQ6i5tsmGxFbneI73HHmRmq7xaOvcgKeaYHbqNv81gl"
    "spEn0mQxEdZxh+ysw7U5uDlD2jlndqd3iusdvyObXU9yg/UOgBLVuEmR/+jfA3yZNquPTX"
    "ECmiJm5xHZM71dZHBCrSA994arqO2I8KU5U5TGIMeRb53s1h0nklq4mAa5FLdrXR9Lr9td"
    "PrX7f6ne7lCQl+G7B/3LRv2kr7Rxtpf4Ev0bb5PNS/CTQfs7RyltKVVs/XNkAPHwN21e3B"
    "JX6WgT/PJCl9jhSbIiXu8U0/t3mdrb37ZNZs47TmyBhUZC06QXT34U5ruCyNlkKR6h+Vk+"
    "2gRDtIC7GZGikqNZpmvkBRFZuubjpUlOYKr6AyKYJpRGp3Ebj2CFmLTo2C3YMnUAdCxe6H"
    "RwBPARDYiGMUw31FrOmYtDzRPn+kaTERL1bXfQlZ2YtXdultTO/FZbwFGW9Bxlt46fEWpl"
    "PDD8OdRHkMPG5mMh6XCfMTcag6eiCee73JKTBYPHdET1XbnpmWluOc0s+LxDZPLQ4+TeTe"
    "bLVAdIDfel5slXveiZhRLUvEe+aY6I5NRL8jMuBOdXle6p56vIueiLfWUXhV6wK3TS3Bv8"
    "lx49JN5qBMLUDeudUM/RSete2vfBYMUJkiXgtV7CZQZRTB9VZu0nOrskqqupITq92eFbFW"
    "CwnkUYdp/g5YcVEIfZMswZ+VwZHLykWeMFk2yCWeROed6LTGEJKSRQ3bxxZHkSiI648k6T"
    "lWWDNVHkxi9bzkgJKVT4VVU7VBJQpj+YElKyc5uJQcXORZqc+7giVXVNI7qPquqMjD5uqm"
    "9QQWvzxsTh42Vw3jQS5LvvBlyTOwzRoJ65H8fjNrIXJh1eXZoEOuROXq/eOCTFXL0fER1c"
    "jdnExM5vBz1Ya6NmySGd+ygkOUiEquOost+VDgKzw/DeTxlLexauEffDTWLdshFp2a8OiR"
    "0RnRnaR9Os/xGrha6VVxL4HOQ81bc4w30CS2KbLneMInI3eUaDq+9p3riJfzKtBnL0q7Pl"
    "GFNL7b62XtahJdewMFDgOLxH7MeWZizAJsmSh44hVnug7utcJ8dYsExA7ILV+VxQITT96D"
    "LHlkBJ5KZdqAMfxRGIV+yl9bvYcWsfx5Og+dP4Y3hUcYiSwY7/4VLtOysX7vkTjxrD0vML"
    "8mfvTy7ELM5gHqNsdlwLA80wYrOvjzDkiL8FVe0CANnwfomHxVeGqo3oGDcgm4YoNOM2MJ"
    "OFyxC43uMUm5YThsNd3D752pcz5dLxjfLkG0yiteJT1hb4/yeI8hVfpWsaOY71jToW9Kj5"
    "yx2lUcyqDC7kew00+7N5fnJ8S7GLDuTd+75V+V8RTnUUq6SmIKwQNUFED9Lim6ZnoTiIhV"
    "WBFV8gPjlLgw1CEhCXQuoLm5WsqvFJasoV9pf/1ICYRsL0hACT1HRDeg6Iq1sjrpmQKEZZ"
    "QclJMarrKGbX2qFN9YGhKSm0vjrmGHWhOdiWlg2h6xDMsjUVqaIPlsPctlj4XQ9gUkwDkB"
    "VkfJAdSyMF7K1A/mrczYF75E3tWWPowvIZvd+Uwa137pPSz84NIbxYrM51HmhODngF23z7"
    "rX553Lrxiox7scsF6/e83veRfiTvtc3GifD9iXVucCv4u/A3bevmj38YZ3UcYfsPl4PktV"
    "4dEwSVZXUZUv86lwo2vctn6cEPgYsO9XxycEPirgnwm0G/1/qbIgdEUpY/epVlJaDjWyl/"
    "7t6Oj4+OPR4fGHT+/fffz4/tPhwnCKP8qyoE47XzuXEQpT0m57H9HM4B35lLKJSB5SKyFI"
    "n2DeZ6b42Ip0W8t8qtxttW57Sg/6K/EXBp1j5az7/arV75xewIgV+lq1AQYAnppQbFEef3"
    "oOFdZUxWj8Swzv3NEjTRnmV+G/lK0f8h+O82w7PU7fdnqcjrlF7wvGj0+SrSHmG9/qu8St"
    "YDz5mKBEuwjaSw5LQe5CRhaSxJA6klpWksmTFZMyJipPSlwnJKUPp+o4dDJ1ijiyk4V3x3"
    "Q+3O5EYGPubLldIB3q+m4XkPx2yW+X/Pbc/HZQVSOF4v6NrjiTgjMawdrNyXS/fdBHDyIk"
    "lTkmKvMJzpzD7LEkySM0axvpyzOeWtdOxGEME/WR2h593CaLg/cSmOzbKQaZ6v04wZxH5R"
    "Lk98mLYkzzkvDj3Z6xpCWT9znWBeWoLEdlOSrnGpVb1IIhKWlQ9p5kjsnqMs2qATkd1A0P"
    "Yqkz2cR2nTBz9TS43uBVeSJW+piVugU6faxK3wNdhzFqKxQhbFQFEPaS1xDdt4eHeSyAw8"
    "N0CwCfRUJ2mAwN6SJOx4CIPACnoLcxZifscjD79f9WWI+j"
)
