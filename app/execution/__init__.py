"""How operations run. The walk of one operation:

1. `endpoint.py` is the address `/graphql`: it asks who calls, and a key that lets nobody in ends here with 401; `http.py`
   reads the request: method, media types (`media_types.py`: what a client likes best), a strict JSON body.
2. `documents.py` parses and validates the document, or finds it done before: limits first (`limits.py`), then the rules
   of the specification. What the operation needs (a caller, introspection) is read off the document and kept with it.
3. `compiling.py` has made a plan of a query whose fields are declared (`graph.py`): one SELECT for each level (`levels.py`), and
   generated code that makes the answer of its rows (`sources.py`: where each value comes from). `writing.py` renders the
   SELECTs with slots for values (`app/statements.py`), from models, reach and filters alone; `plans.py` runs them with what
   `inputs.py` reads. A plan only reads, and answers only what goes right: whatever is denied, fails or is unusual is run again
   from its start by the ordinary executor, which says what is wrong.
4. `operations.py` lets it run under a time limit and turns what went wrong into errors that a client may see.
5. `executor.py` walks what is not compiled: scopes decided once per selection and not per row (`guards.py`), plain fields
   read directly (`reading.py`), everything else by graphql-core and Strawberry's resolvers; and only so much work for one
   operation.
"""
