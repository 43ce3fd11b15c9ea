"""API keys, the credentials of programs. The secret part is stored as a keyed hash only.

    schema.py, service.py   create, change, revoke, rotate, adopt
    allowed_networks.py     from where a key may be used
    owner.py                the owner of a new key or user, locked
    creators.py             keys of a moved account, whose creators no longer see it
    last_use.py             when keys and sessions were last used, written in the background
    token.py, model.py      the text form; the table

A key cannot have a wider scope than its creator, nor outlive it.
"""
