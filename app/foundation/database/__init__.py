"""PostgreSQL: `url.py` (DATABASE_URL) or `embedded.py` (a local server) → `orm.py` (Tortoise's configuration) → `pool.py`.

`sql_templates.py` renders statements once for many runs; `owner_pages.py` uses it for pages across many owners.
`errors.py` interprets the drivers' errors. `schema_version.py` and `catalogue.py`: migrations and what only they declare.
"""
