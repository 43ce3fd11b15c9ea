"""Compiles operations to query plans and runs them.

`plans` caches the plans of an operation → `compile` (with `selections`, `sources`, `pages`) makes a `query_plan` and its
`generated_code` → `run` reads `arguments`, runs the SELECTs that `sql` renders, and shapes the rows into the response.

Start with `query_plan.py`, then `compile.py`.
"""
