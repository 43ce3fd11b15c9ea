"""How operations run. The walk of one operation:

1. `graphql_http.py` is the address `/graphql`: it asks who calls, and a key that lets nobody in ends here with 401;
`graphql_protocol.py`
   reads the request: method, media types (`media_types.py`: what a client likes best), a strict JSON body (`request_bodies.py`:
   how long it may be and take).
2. `documents.py` parses and validates the document, or finds it in the one cache (`cache.py`), with all that is known of it:
   limits first (`limits.py`), then the rules of the specification (`validation.py`; `invalid_values.py`: what is said of
   values). Which callers an operation is open to (`restrictions.py`) and what it can cost (`costs.py`) is read off the document.
3. `admission.py` decides whether the operation may run; every refusal before that is made there (`answers.py`: errors as a
   client may see them).
4. `operations.py` runs it under one deadline (`deadline.py`), some of a caller at once (`slots.py`).
5. A query is read by its plan: `plans.py` finds it or has `compile.py` make it of calls and SELECTs (`query_plan.py`), and of
   generated code that makes the answer of what they find (`selections.py`: what is selected; `sources.py`: where each value
   comes from). What is declared as data (`fields.py`) becomes one SELECT for each level, which `sql.py` renders with slots
   for values (`sql_templates.py`); other resolvers are called as they are (`resolvers.py`). `run.py` runs the plan with
   what `inputs.py` reads of variables and arguments.
6. `reference.py`, the ordinary executor, runs the root fields of every mutation, one after the other; the payload is then read by
   its own plan. It also walks each query without a plan, and each one whose plan fails, to say what is wrong: scopes decided
   once per selection and not per row (`permissions.py`), plain fields read directly (`direct_fields.py`), everything else by
   graphql-core
   and Strawberry's resolvers; and only so much work for one operation.
7. A WebSocket on the same address goes to `websocket_admission.py`, which accepts it or not, and then to `graphql_ws.py`,
which speaks
   graphql-transport-ws: each of its operations takes the same walk from 2 on, and each event of a subscription the part from
   6 on.
"""
