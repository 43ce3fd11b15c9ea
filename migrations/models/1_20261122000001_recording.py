"""Where an account's calls are recorded, and what the newest proof of it said.

One branch per dialect; statements run one by one inside the caller's transaction, and are safe to run again.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

KEYS_CHECK = """
    (access_key_id IS NULL) = (secret_access_key IS NULL)
    AND (secret_access_key IS NULL) = (secret_access_key_set_at IS NULL)
"""
ENABLED_CHECK = """
    NOT {yes} OR (
        bucket_vendor IS NOT NULL AND bucket_name IS NOT NULL AND region IS NOT NULL AND secret_access_key IS NOT NULL
        AND (bucket_vendor <> 'S3_COMPATIBLE' OR endpoint_url IS NOT NULL)
    )
"""

TABLES = f"""
CREATE TABLE IF NOT EXISTS recording_configs (
    id {{uuid}} NOT NULL PRIMARY KEY,
    account_id {{uuid}} NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    enabled {{bool}} NOT NULL,
    audio_format VARCHAR(8) NOT NULL,
    bucket_vendor VARCHAR(16),
    endpoint_url VARCHAR(2048),
    bucket_name VARCHAR(63),
    region VARCHAR(64),
    access_key_id VARCHAR(256),
    secret_access_key {{bytes}},
    secret_access_key_set_at {{time}},
    s3_tags {{json}} NOT NULL,
    record_all_calls {{bool}} NOT NULL,
    fingerprint VARCHAR(32) NOT NULL,
    storage_status VARCHAR(16) NOT NULL,
    storage_status_since {{time}} NOT NULL,
    last_verification {{json}},
    created_at {{time}} NOT NULL,
    updated_at {{time}} NOT NULL,
    version INT NOT NULL,
    CONSTRAINT recording_configs_keys_check CHECK ({KEYS_CHECK}),
    CONSTRAINT recording_configs_enabled_check CHECK ({ENABLED_CHECK})
);
CREATE UNIQUE INDEX IF NOT EXISTS recording_configs_account_unique ON recording_configs (account_id)
"""
TYPES = {
    "sqlite": {
        "uuid": "CHAR(36)",
        "bool": "INT",
        "time": "TIMESTAMP",
        "bytes": "BLOB",
        "json": "JSON",
        "yes": "(enabled = 1)",
    },
    "postgres": {
        "uuid": "UUID",
        "bool": "BOOL",
        "time": "TIMESTAMPTZ",
        "bytes": "BYTEA",
        "json": "JSONB",
        "yes": "enabled",
    },
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    for statement in TABLES.format(**TYPES[db.capabilities.dialect]).split(";"):
        await db.execute_query(statement)
    return ""


async def downgrade(db: BaseDBAsyncClient) -> str:
    await db.execute_query("DROP TABLE IF EXISTS recording_configs")
    return ""


MODELS_STATE = (
    "eJztXG1z4jgS/isqvlzmKsflfVOZq6sihOywSSAFZGZnjysjbJGoYiTGkpNQc/PfryXb4F"
    "cCJDCG8YcQI6kl8XSr1d1q63tpyC1ii3KbOE/UJLcOf6IWcUpn6HuJ4SGBh6wmu6iER6Np"
    "A1Ugcd/WNMJrbIz81roW94V0sCmhwQDbgkCRRYTp0JGknCmynhrTeCTjHqICPT9giYb4kQ"
    "ikygWSqsDm/BGeCBJQhsg3F9sfkSAE9WA6/9QNy6Nxr6xGtLgJQ1J2v4rOXUa/ucSQ/J4A"
    "hcLsP/+FYsos8kJE8HX0aAwosa0IpNRSHehyQ45Huuzurn5xqVuqifcNk9vukE1bj8bygb"
    "NJc9elVlnRqLp7woiDJbFC0DLXtn12BEXejKFAOi6ZTNWaFlhkgF1bMaj0r4HLTMUXBL+8"
    "DDxkksKEHVFm5Nmg1r/9aYZIDKPR7BjtWscwSgnequnEOOIXmZwpuaBMKtC+//D6nYKjS0"
    "tqgOqnSmvn8OSDhoMLee/oSg1d6YcmxBJ7pJoBU8T1/wTm1QfspGMetI+hDhNdBu+gYAr4"
    "dAEE8AUArQDS0hC/GDZh9/IBvp4czYD4c6WlUT450ihzWK/eim74NQe6SoEdBVctrCTAHf"
    "IiswEOaLYC5Bmgdmp/dlTPQyG+2WEwd24qf2qch2O/5rrZ+D1oHgK/et08j4EOipQ+pcj0"
    "Oec2wSwd9SlRDPM+UK0K9EC5rBf082bzOgL6eT2O6t3Nea21s685AI2o1MX1RicGtekQBY"
    "mBZRLuC6iRdEjS8Y5SxjC3fNJy8LCBUl+CH2g1mT32+TxrFdRvau1O5eY2wpWLSqemag4i"
    "yyAo3TmJqaFJJ+hLvfMJqa/or2ajFt8SJu06f5XUnLArucH4s4Gt0H4XlAaoRbjujqwluR"
    "6lLLieF64HGIXY7s9+yvUnMHEUGgmW11nGThaiiLEa4FoVc/dXxdl7NYN/HOwf/XZ0enhy"
    "dApN9CwnJb/NYLanOpXZO3gMmWGqoI/Nx2fsWEakJrydmdxVk0huaD7l5VWL2FimQ+07KR"
    "Wvlw1cUj8CsQpK04QTj6iymd4K0oheeYbXKxj5WjL3ECn54gc8S+KSVcODYbwEM3yvf5Ia"
    "W40Uk6gUjzgkbNmecFiu53CAn0n/AXxQQxAwHaT2VAXBNrHQjnZBCTOdsW6u/NAPHxEGJ/"
    "aFDt0h4gO0h4Zg+gnkMpsOwZyxUrzgVYxQuMKFK7wZarZwhQtXuHCFl3eFXQHbpAG/OcUp"
    "UiqkxtyhxrsOk8PMJEnnKNLD+uS9dKcGvoNxy+1au11vNtoL6u1SQHeGgqcuu6k37jo1KP"
    "If4hvuPGrodA4tdJqphE7jOshD2N+0F3BkEnTrc2f2cuzOhKG1qUmYANdeEKGcvhRLPBPe"
    "VNoC4jjEgo4MBwzSFMnNtlEiREvplJz5OlEFsX94MIeKgFaZSkLXRYGOOgIpuydl2Bmn45"
    "2kjW+iY0nEdpku58rwCO+iAO55vVFpfU23XYL2YfP8/GunVimiy1seZyyiy78i14vo8vpt"
    "hViaibFYNCmD/D3DS/ndzl6JICWC+NmoJyG/5A6h9+yKjBO+YHpIOiW5aDORTgSnodjBz5"
    "PAZ5bMASQABPHc7haomVa9CtI+18lJcSjw2rmJQ0zuWNCNajeg92/EqhV0V9W9bZG0rvYo"
    "xROxtJOUifDNOEgJifnrBykVVP1Uq14hSYlAPWHyEekhyXVuH38GXiFvGxBnqHJxU2+gBy"
    "wQ4wy60k3UMYZA5AUGsceqiDoieZiyklG6rMsuXDUEwsjhUgvj3wTiYArYeIR6I4c8Ue4K"
    "3/syoNOHHgLlIbxebQt5NYgy5DJJ7SQNeRlRUPhgRPZgwF7gSfTHxt97iLvSpk9E9waQe6"
    "mR8GWMxIjgR3UOhJmlShwyAFWPMPwxjgae2lc0ojgX2rRzIS2+y0Z1J8R5PsAo6UXor8Uu"
    "a9dan+vVmnHban6uX9RaKqwbLemySrXavGt0gMZ7WCa8u38yT/Am7pWEYjcn8dANNk0iBI"
    "zwROxlORbvI9eMu7y7vj5D6rPLWrXKhdFsXH89Q5PHfLClOFld4cnqyO3b1Ez18LIRjhBt"
    "IczvL8Mhm2KxkHCMsIgH7y4ZD04z7xZjRVYPS/Iknx7fz2TJ1HpeNHg7u6d3COZuDrNyHr"
    "tNhuzjvLOxkIYrlgriv9ZXIQl5lgTtlS/F9yhlweU8c3l5LV9o9c3hMihi/rjcWo5QFlzO"
    "M5ffslcXe/MmcToUyn5TRDOtnxxnlm1NbDOE+yMZL3iin0r8hmOBzVmnrwb+i4Sz7U09Kh"
    "LOfkWuFwlna08489/mXHBXilIV21HOk/i2BuW85/DlE+h3TuFLUR/vAPb8Fx1sKMhRnblw"
    "euQq89ji6X8pCW0pGYLZmW2p2Ylz3BUwABLijABu7zV+nabFB979dRIkytL/4EcgQaSE1k"
    "K9zQ9iC428WwkQB6sHPT9QmyAqkYkdhxIxvQGPM5JyhcCaBlaJcD3/fMTPVglu7/NuLPio"
    "SFUmWm9aDQLT0/lofS4fvBQ1xB3vG+MS7eiMvQ+7Hh1higlAwQixBHoizOLObpf1XfORyF"
    "3kkHud3wVtdQ/ejxwGvRRJbpuW5OYzPAn7zHfFQ1RrfFl8UrKxb4tj16KgaLkzTPM658xT"
    "i/WxxjfGK2roSz1y+eb2cEFJL32pfD5D8NFlQHyGgh5+7svhnmYzPE23LE8SneQ6MPqlbb"
    "QBf+9/l7UPjWrz5rbSqZ9f185Q5Gs+QqAA64jDYIbrZKR3ZqmpKF2OubJkvtvB3tE860E1"
    "y8Tbq0xdFYsmcMbItg/vk8N50jgPs9M4D+NIexbVIiBPKbYQ33dPk41YwovAnCDcPrQPju"
    "dR1dAqW3ccZyXMTuFLsS1fT5uNkheJmksmaibQNIT6uvCRx6x+iuP//Jx3JI+5xKEhcdoL"
    "nn+0m40MZk9J4rylpkT/QzYVKzv5CDnYfZfakjJRVuP9DL9aQRThc+Jytvg9bDEGqg7il7"
    "N50S0D27Zhwkfaq7ezXO808sIHX8AHDwXrFjEHYmRb+O7MXHcqzbhSKXmjkh/0NMBrlm6K"
    "oM/5KmWilzWGPNre4G09dvmu8bnWql/WaxeLxj6mlGdo+txlX5qtq3rj9zPkP3TZZaV+rU"
    "v8h3y44FEmGIL6nFrIiMjoYwszKLbJgtDpnk/EoQNqTi6CmNeWSCV+k1WxObbiSsyHIlkt"
    "WwduZtpSkaz2K3K9SFb71ZLV8rZwVpJH9TMyenIK7Can9FTAYjMfSmlXU3k1uzOvppq2eS"
    "1rJxvUd04jyVSZqes6RVv6HHxb+sgq98F30ZbZmSKZm1F2zCR7N9qGeMnB8fFcpyfHM05P"
    "jhPHVbCoFkDYb76F6O7v7c0Tw9jbyw5iqLqY88SZJGm7U7YDGyJZfzB8w/3WhJ2wzs3sx/"
    "8BesRE7w=="
)
