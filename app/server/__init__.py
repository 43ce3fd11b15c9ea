"""Puts the server together: transport, authentication, routes, the GraphQL endpoints and the merged schema.

A request passes `transport/` (limits of connections), the middleware and the dispatch of `asgi`, then a route: `/graphql` in
`graphql_http` or `websocket_admission` and `graphql_ws`, the others in `operator_routes`, the domains' `routes` and `graphiql/`.

`lifespan` opens and closes all resources; `schema` merges the domains' types; `authentication` turns credentials into a Viewer.
Start with `create_app` in `asgi.py`. No other package imports this one, except commands and the demo.
"""
