"""How operations run. The walk of one operation:

1. `endpoint.py` is the address `/graphql`: it asks who calls, and a key that lets nobody in ends here with 401; `http.py`
   reads the request: method, media types (`media_types.py`: what a client likes best), a strict JSON body (`bodies.py`:
   how long it may be and take).
2. `documents.py` parses and validates the document, or finds it done before: limits first (`limits.py`), then the rules
   of the specification (`validation.py`; `invalid_values.py`: what is said of values). What the operation needs (a caller,
   introspection) and what it can cost (`costs.py`) is read off the document and kept with it.
3. `plans.py` finds the operation's plan or has `compiling.py` make it: steps of calls and SELECTs (`levels.py`), and generated
   code that makes the answer of what they find (`selections.py`: what is selected; `sources.py`: where each value comes from).
   * What is declared as data (`graph.py`) becomes one SELECT for each level, which `writing.py` renders with slots for values
     (`app/statements.py`), from models, reach and filters alone.
   * Every other resolver, a mutation's above all, is called as it is (`resolvers.py`); what hangs from its answer is data again.
4. `running.py` runs the plan with what `inputs.py` reads of variables and arguments. A query that is denied, fails or is
   unusual is run again from its start by the ordinary executor, which says what is wrong; a mutation that has begun is
   finished by it, without being run again.
5. `operations.py` refuses what can cost too much, runs the rest under one deadline (`deadline.py`), some of a caller at once
   (`slots.py`), and turns what went wrong into errors that a client may see.
6. `executor.py` walks what is not compiled: scopes decided once per selection and not per row (`guards.py`), plain fields
   read directly (`reading.py`), everything else by graphql-core and Strawberry's resolvers; and only so much work for one
   operation.
7. A WebSocket on the same address goes to `sockets.py`, which accepts it or not, and then to `websocket.py`, which speaks
   graphql-transport-ws: each of its operations takes the same walk from 2 on, and each event of a subscription the part from
   6 on.
"""
