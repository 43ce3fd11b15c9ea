"""The GraphQL engine: document → admission → plan or reference executor → response. It knows no type or field by name.

* `documents` parses, validates and caches a document; `limits/` bounds its size, its cost and how long it runs;
  `restrictions` says which callers it is open to.
* `admission` decides whether an operation may run for its caller; `operations` runs it.
* `compiler/` turns an operation into a plan: calls, one SELECT per to-many level, and generated code that shapes the rows.
* `executor/` is the reference: it runs what has no plan or whose plan fails, and decides permissions once per selection.

Start with `operations.py`. `docs/architecture.md` follows a query and a mutation through it.
"""
