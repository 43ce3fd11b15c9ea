"""Accounts are found by how their calls are recorded, where those are few among many.

One branch per dialect; statements run one by one inside the caller's transaction, and are safe to run again.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

# In the conditions that the queries have: each database uses such an index only where it sees that its own follows.
ENABLED = {"sqlite": "enabled = 1", "postgres": "enabled"}
INDEXES = {
    "recording_configs_enabled": "(account_id) WHERE {enabled}",
    "recording_configs_by_status": "(storage_status, account_id)",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    enabled = ENABLED[db.capabilities.dialect]
    for name, what in INDEXES.items():
        await db.execute_query(f"CREATE INDEX IF NOT EXISTS {name} ON recording_configs {what.format(enabled=enabled)}")
    return ""


async def downgrade(db: BaseDBAsyncClient) -> str:
    for name in INDEXES:
        await db.execute_query(f"DROP INDEX IF EXISTS {name}")
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
