"""How operations run. The walk of one operation:

1. `http.py` reads the request: method, media types, a strict JSON body; a key that lets nobody in ends here with 401.
2. `documents.py` parses and validates the document, or finds it done before: limits first (`limits.py`), then the rules
   of the specification. What the operation needs (a caller, introspection) is read off the document and kept with it.
3. `operations.py` lets it run under a time limit and turns what went wrong into errors that a client may see.
4. `executor.py` walks it: scopes decided once per selection and not per row (`guards.py`), plain fields read directly
   (`reading.py`), everything else by graphql-core and Strawberry's resolvers; and only so much work for one operation.
"""
