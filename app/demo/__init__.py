"""The demo of `make run`, and the local servers that it and the tests start. Not part of the wheel.

Start with `run.py`. `data.py` has the accounts and users, `calls.py` the calls; `local_s3.py`, `local_valkey.py` and
`local_receiver.py` (webhooks) are the servers.
"""
