"""Webhooks of accounts and applications: their settings (`rules`, `addresses`), and tests with a signed sample event (`service`).

A test is sent by `delivery` with the signature of `signing` and kept for 30 days (`retention`). Start with `service.py`.
"""
