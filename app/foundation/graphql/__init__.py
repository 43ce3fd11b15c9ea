"""How a domain declares its GraphQL types. Start with `fields.py`, which has an example and every name that domains need.

    registry ← declarations ← lists ← resolvers ← columns, relations, mutations ← nodes ← subscriptions ← fields

`pagination.py`: Relay connections and cursors. `page_loading.py`: the three ways to load a page.
"""
