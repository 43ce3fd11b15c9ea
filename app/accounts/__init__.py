"""Accounts: the settings of one customer, and the container of their applications, keys, users and calls.

    schema.py, mutation_schema.py   what clients read, and change
    service.py                      create, update, move, suspend, delete
    inputs.py                       validation of settings that need no stored row
    contents.py, webhook_secret.py  what a deletion takes along; the signing secret
    lookup.py, model.py             one account by its id, for all services; the table

Start with `schema.py`.
"""
