"""The accounts API of a voice gateway, in four ranks. The rank of a module is the first folder of its path.

1. `foundation/`: what everything stands on: access, errors, settings, the database, how fields are declared, outbound calls.
   Imports no other rank.
2. `execution/`: the GraphQL engine. Imports the foundation alone and knows no type or field by name.
3. The domains, one folder per noun: `accounts/ service_providers/ users/ api_keys/ applications/ webhooks/ tts_cache/ audit/
   calls/`, `storage/` (the only way to S3) and `recording/` (from a gateway's stream to the bucket). In each of them
   `model` (stored) < the named modules < `service` (done) < `schema`, `routes` (shown).
4. `server/`, `commands/`, `demo/` and `__main__.py` put it together. No other rank imports them, and `server` imports none of
   the others.

A request's way: a route of `server/` → authentication → `execution/operations.py` (document and plan from one cache). From there

* a query: the fields that a domain's `schema` declares → SQL on the rows within the caller's tenant scope. No service runs.
* a mutation: the resolver in a domain's `schema` (accounts: `mutation_schema`) → its `service` → the same rows.

Reading order: in `accounts/` `schema.py`, `mutation_schema.py`, `service.py`, `inputs.py`, `model.py`; `foundation/access.py`;
`execution/__init__.py`; `recording/__init__.py`.
`tests/support/layout_rules.py` checks the import rules.
"""
