"""People: users, their sessions, failed logins, the password policy; and which person made an API key.

One branch per dialect; statements run one by one inside the caller's transaction, and are safe to run again.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

OWNER_CHECK = """
    (scope = 'ADMIN' AND service_provider_id IS NULL AND account_id IS NULL)
    OR (scope = 'SERVICE_PROVIDER' AND service_provider_id IS NOT NULL AND account_id IS NULL)
    OR (scope = 'ACCOUNT' AND service_provider_id IS NULL AND account_id IS NOT NULL)
"""

TABLES = f"""
CREATE TABLE IF NOT EXISTS users (
    id {{uuid}} NOT NULL PRIMARY KEY,
    scope VARCHAR(16) NOT NULL,
    service_provider_id {{uuid}} REFERENCES service_providers (id) ON DELETE RESTRICT,
    account_id {{uuid}} REFERENCES accounts (id) ON DELETE RESTRICT,
    email VARCHAR(254) NOT NULL,
    email_key {{key}} NOT NULL,
    name VARCHAR(64) NOT NULL,
    password_hash TEXT NOT NULL,
    password_set_at {{time}} NOT NULL,
    must_change_password {{bool}} NOT NULL,
    active {{bool}} NOT NULL,
    last_login_at {{time}},
    created_at {{time}} NOT NULL,
    updated_at {{time}} NOT NULL,
    version INT NOT NULL,
    CONSTRAINT users_owner_check CHECK ({OWNER_CHECK})
);
CREATE UNIQUE INDEX IF NOT EXISTS users_email_unique ON users (email_key);
CREATE INDEX IF NOT EXISTS users_by_account ON users (account_id, id);
CREATE INDEX IF NOT EXISTS users_by_provider ON users (service_provider_id, id);
CREATE INDEX IF NOT EXISTS users_of_installation ON users (id) WHERE scope = 'ADMIN';
CREATE TABLE IF NOT EXISTS sessions (
    id {{uuid}} NOT NULL PRIMARY KEY,
    user_id {{uuid}} NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    public_id VARCHAR(16) NOT NULL,
    secret_hash {{bytes}} NOT NULL,
    user_agent VARCHAR(256) NOT NULL,
    address VARCHAR(64) NOT NULL,
    created_at {{time}} NOT NULL,
    last_used_at {{time}} NOT NULL,
    expires_at {{time}} NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_public_id_unique ON sessions (public_id);
CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user_id, id);
CREATE TABLE IF NOT EXISTS login_failures (
    id {{uuid}} NOT NULL PRIMARY KEY,
    subject {{bytes}} NOT NULL,
    network VARCHAR(64) NOT NULL,
    tried_at {{time}} NOT NULL
);
CREATE INDEX IF NOT EXISTS login_failures_by_subject ON login_failures (subject, tried_at);
CREATE INDEX IF NOT EXISTS login_failures_by_network ON login_failures (network, tried_at);
CREATE INDEX IF NOT EXISTS login_failures_by_time ON login_failures (tried_at);
CREATE TABLE IF NOT EXISTS password_policies (
    id {{uuid}} NOT NULL PRIMARY KEY,
    minimum_length INT NOT NULL,
    needs_digit {{bool}} NOT NULL,
    needs_symbol {{bool}} NOT NULL,
    refuses_common {{bool}} NOT NULL,
    created_at {{time}} NOT NULL,
    updated_at {{time}} NOT NULL,
    version INT NOT NULL
)
"""
TYPES = {
    "sqlite": {"uuid": "CHAR(36)", "key": "TEXT", "bool": "INT", "time": "TIMESTAMP", "bytes": "BLOB"},
    # Byte order, so that both databases sort alike.
    "postgres": {"uuid": "UUID", "key": 'TEXT COLLATE "C"', "bool": "BOOL", "time": "TIMESTAMPTZ", "bytes": "BYTEA"},
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    dialect = db.capabilities.dialect
    for statement in TABLES.format(**TYPES[dialect]).split(";"):
        await db.execute_query(statement)
    if dialect == "postgres":
        await db.execute_query("ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS created_by_user_id UUID")
    else:
        columns = await db.execute_query_dict("PRAGMA table_info(api_keys)")
        if "created_by_user_id" not in {column["name"] for column in columns}:
            await db.execute_query("ALTER TABLE api_keys ADD COLUMN created_by_user_id CHAR(36)")
    return ""


async def downgrade(db: BaseDBAsyncClient) -> str:
    for table in ("sessions", "users", "login_failures", "password_policies"):
        await db.execute_query(f"DROP TABLE IF EXISTS {table}")
    await db.execute_query("ALTER TABLE api_keys DROP COLUMN created_by_user_id")
    return ""


MODELS_STATE = (
    "eJztXX1z2jga/yoa/rn2JpvLS5vNpDc3QxKyyzaBDJB2u5cbI2xBdDEya8khzF6/+0myDX"
    "4ltgPUdtSZEiPrkczv0cvzpsd/NaaWgUy630f2E9bRrW09YQPZjTPwV4PAKeIXaVX2QAPO"
    "ZqsKooDBkSlpqFtZm3m15V04osyGOuMVxtCkiBcZiOo2njFsEUE2FH1qj2gxBJiC+QNkYA"
    "ofEQWinAImCkzLeuRXCFBeBtCfDjQ/AYoQGPLH+YesuD9bDPdFj4al8y4xmWyjcYfgPx2k"
    "MWuCOIXA7N//4cWYGOgZUf/r7FEbY2QaIUixIRqQ5RpbzGTZ3V378krWFA8+0nTLdKZkVX"
    "u2YA8WWVZ3HGzsCxpxb4IIsiFDRgBa4pimxw6/yH1iXsBsBy0f1VgVGGgMHVMwqPHPsUN0"
    "wRfAf/k+5yFhmD+wTfcJmmvY+Jf3mAESTet0B1q/NdC0Roy34nEiHPGKdIuIcYEJE6D99d"
    "1tdwWOLG2IDi5+bfbeHZ+8l3BYlE1seVNC1/guCSGDLqlkwApx+TeG+cUDtJMx9+tHUOcP"
    "WgRvv2AF+GoC+PD5AG0B0sYUPmsmIhP2wL+efFgD8ZdmT6J88kGibPH56s7ojnfnSN4SYI"
    "fBFRMrDvAAPbN0gH2aWoC8BtRB6/eBaHlK6Z9mEMx3N83fJc7ThXfnutv5xa8eAP/iunse"
    "AZ0vpPgpYUyfW5aJIElGfUUUwXzEqbYFur+47Bb08273OgT6eTuK6t3Neav37lBygFfCTB"
    "a3O4MI1LqNBCQaZHG4L/kdhqcoGe8wZQRzwyPd9y8qOOob/AcaXWIuPD6vmwXtm1Z/0Ly5"
    "DXHlsjloiTtHoWngl747iSxDy0bA1/bgVyC+gj+6nVZ0S1jWG/zREM8EHWZpxJpr0Ajsd3"
    "6pj1qI687MKMj1MKXielm47mMUYLv39CuuP3ERR6ARY3mbpOxkAYoIqzlc22Lu4bY4OxFP"
    "8NPR4YefP5wen3w45VXkUy5Lfl7DbHfpFGLv+DEghomCEdQf59A2tNCd4HamW454iPiG5l"
    "Fefe4hE7JkqD0lpem2UsEp9d0fVn5p0uCEMyxkpteCNMOfXcHrBYy8VbJSEDnU0zaL43NH"
    "URYBtCroiNlnHVlp8zF+a3o0jZZAAifyJ4m+RU+R+ZZgLwhMxXQ7QXDWZzAPzNHogWvoGk"
    "VcsGJSj6cImsgA76SCjohuL2R1oaW//wQgV/Gf8dSZAmsMDsCUC8YUOMTEUy7sGQk2gm30"
    "oAwFylBQjU1IGQqUoUAZCoobChzKt0mN/+YElVEsIS3iTCXebf5wkOgorjqGWtjdeG/ciY"
    "7veL/7/Va/3+52+jnX7YZPdwb8q3ty0+7cDVq8yLuIbrhZlqHTDKvQaeoidBpdg1yEvU07"
    "h5oXo9udsnewreV+A8peEFoT64hQZHDpiQqVOEEOT4U3kVZBHIWY4plmc4E0YeSmyyghok"
    "JrSsl0nfACcXh8lGGJ4LVSFwl5Lwx0WBFI2D0xgfYiGe84bXQTXTBE6yW6nAvBI7iLcnDP"
    "251m71uy7OLXD4rn598GraayvdfcCqts72+R68r2vntZIRKEo+WzJqWQb9K8VN7t7AULUs"
    "zFkY56HPIry0Z4Qj6jRUwXTDZIJ4ReVRPpmHGaF9twvjR8po05DgkHArlqd48vM732BR/t"
    "mfxKymWiXCavQcdGumUbvBlRb4wnr0Sq5zd3IVur0VzerqPJnYBJfqbl1FzjZgosAi+7mZ"
    "rg4tfWxWfAMKJgSHVrhoaAWTIu1JpzXgF3k6RnoHl50+6AB0gBsQhvSlYRTh4K0DPvxFyI"
    "ImzTuKtpK73ck3ty6YguAAS2xeRg/BsFFheUTDgDw5mNnrDlUE831XijD0PAl1bqtmoawL"
    "0DMAEOYdiM06DnGebbIRexh7zDoa9njRba34fAcpiJn5BsjUMOLBuI9cUNr+WFC0BnCD4K"
    "bxkkhiix0ZhviADy/8QCY3dzFLRUec+q5j2Tw7io7XtJXGY3T0NORm9O3pN+q/elfdHSbn"
    "vdL+3LVk8Yv8Ml96R5cdG96ww4jXtRxAh+eJLFxBXV3QIWrpOogQvqOqKU9/CEzKIci7ZR"
    "asZd3V1fnwHxeU96real1u1cfzsDy8tysEX5n7fof545IxPriXpwOsIhohrCvPkxHJAt8h"
    "nOI4TKar5X0GqeJOblY0VaCwV5Uk7N70eyZCVF5zVxr29pAybv6jCr5BbuuGMjyjsTUqY5"
    "tJCr46W21Ego80iQ2nkhvocpFZfLzOXiq7xa1avDZb4QW4/F5nKIUnG5zFx+zV6t9uYqcT"
    "pg0n6VRTOpnRLH39XGthnA/REtcsY9JBK/wi1QnXn6ouE/EWHh3ikOcYBaYaxCH+sdBKdC"
    "H98i11Xo485DH71zxTm3pTCV2o5KHk5aG5TLHk1aTqA3HEyasHxsAOzsCUkqCnJ4zcwdqL"
    "vNmMFra4LJFcSmY6NGQuRg6P7euvhBU9TUxm7VzFGEzF6IgD5OLILpZACcaAIZeyIqTn7H"
    "FIyQiNabQgOdASxL5jZmDBF+RwbGiUi6GaR0btmGuC1yVCIDQJYUU7j1PkWE4ZA6o/8i3U"
    "2PAUWoHr8nHMQiqk+Qop+mvFPAxR8OF90DcxHlB2bImpm8bT5Dlo1T/rTWJzAkiPGvj15q"
    "TlGbP5cuknCObWuqAgErFwjojpA47GvDP1ZEKvRjr2CcgTeTkk2WKTFkK5IaxjdtPoyM91"
    "5IQQ/S1VA9r6467lphcuSt26bYcuttjbeWifXEIw+RGmtFF3+j1WaiMs4qvXwVksJqk36A"
    "IqTf4uLBGbAIArY135Px++JAAoBCQBBHDtxDBN7A4hu52McJehJnGR4gmSRl3NpmR/WWGA"
    "68fz/Jj5/Fx6n/1ft3WC2hYYqJSK7iL90xBqTawuKEOzSJVSV1CEHIoJqBJ0nZidYmg4pQ"
    "7jAj1LKksimhXOzoYjqyEo5ZZIB9Rapwz4G7jcYORZTDOZ0m2dXXIh8nVlnQVLr0t+vBUn"
    "7Lt8h15bcsW7r0baqdfTfvXiPx1U/UZ9m6Vz6t8vZlsY5Lm7prkXZPtjOAOAeNfdAlaGmp"
    "lkXiwnUrGJ/AMBhKKe3FfFCyh7Fj+qfnuTbgMJRkHd9Jn/XWOmtmp1YnQtWJ0FJZSrflFp"
    "BxlnzlT/Jqp4/0MFUNh/rRxyxjnddKHezyXiT6yPV75gE6QFJDlDfvglE6Zjr01dQ2suiY"
    "JTuBUzbOV4TTmY7glOjgpGLz9thc4PDIZk6MVIipxaNHHbqRiNGM2R1LCumLIYyBAVWq+E"
    "UJe4I5xmdHui1mmdFzg8kO94TXfWzZoHnbdrPzgSESYX5Jr9Rmc8uP/kN0+ULtVyRB3ETv"
    "MnRxGQ/hZj7khE17YpEjkSRxTgBDz2wPzKDNCZhIsChiDyg0RT5E3XSMNxFZUDMbj0pKWJ"
    "mDu3JK59GblwRlZk9h20QWtZnXWmObiCnOy0UzjnL6O9hCRLVAep0MvY2XsKm0jttM6xjc"
    "0/OM6xhhLeDe9dheokgRK5LGLE6ulPZSK+1ThzLNDbTVfO4luHXWRVilNbHDOKsf5N/ZXJ"
    "yVerHnzqCWxmP3FGBBy3OQWCV/KvPqplxL6YJcfV1LKnyxblxX4Ysq7UpZN0WVdqUEKKu0"
    "KyrtSlVBfmXaleBIT3tVe5632gUixCsm3KQBvtW32UVfApjg5E14T2C6vzfxHYUv+36HY0"
    "6C7BkHyItqFz5UL4cLZXzSGfIP/xGAIsZ4bfoJQMBnNq8kByAFFhcMwfwBm17KFtvGAaer"
    "OMQdd/vuqmM3WY0bQuy9q8p3F1METRHaz0mFi3e4us3n1FC+jW5ksQf3BXUid478Jk4MvJ"
    "Mu6/fusfQhIoIJnEKe1gRPiBiWvXdPRo7+iNgesNFEOlJ5XdmC+yOnfivKm1w1b7LH8Jxm"
    "twCVOsabx8bpGJgvtJY9TVLMM76lLtLG7pw8jabo+kr2vH9ze5xzpDe+Nr+cAf5xTzjxGf"
    "BbyOlwO83gbztNdbedRr1t7sqmuStdUZ7EGil1WvSvfa3P8Xf/3pP+sXbRvbltDtrn160z"
    "EPpahEFbiKMgxszinWmOnS+cIkJXYq4UDao4+JBlPohq6WEV8mbirMjr54+Q1Q/vk+Ms3v"
    "7jdG//cRRpV6LKA/KKoob4bjyaIiQJ54E5Rlg/tLdyXCymoCTIli8fkQyTq9c0FjwnGUOz"
    "YFTLunaU/7c8LqG4J5AeawxOEgxiv/W7nRRmr0iivMU6A/8DJqZbcw4FFOyRg02GCd0X/f"
    "0IvVpAFOJzLL4sGkoWYaBoIBpf5lq3NGiams4/kkyV65M5xcmVDp5DBw8Y6/KIAxGyWoRW"
    "hqWB46MMwsDxUaosIG5Fdh/X6KlxrZk5KQfIM5xZiLWyQ5NH3+28L/vev+t8afXaV+3WZV"
    "7bx4ryDKyu78nXbu9zu/PLGfAu7slVs30tS7yLcqjgYSZoFHucyiVEpLRRwyCTOkkQMuDv"
    "Cdl4jPWl4yyrLJFI/Cqpojqy4lbEBxXPl74GVjOyS8XzvUWuq3i+txbPV7aJs5VQsx8R9F"
    "RSYKv8sqkml9j0h0ZCJI93Z29dAA9c1Xkpaicd1A2HkaQumYnzOmG19Dj4uvCRbe6DG1kt"
    "0yNFUjejdJtJ+m5UB3vJ0cePmbwnH9d4Tz7G3FV8UuVA2KteQ3QPDw6y2DAODtKNGOJeRH"
    "myCEvMGZmuwAZIdm8Mr7jeGpMTdrmZff8/WKs7Jg=="
)
