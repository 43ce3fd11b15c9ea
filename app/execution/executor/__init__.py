"""The reference executor: graphql-core's, with permissions decided once per selection (of callers who own accounts, per row) and with limited
work.

`reference` executes; `direct_fields` reads declared fields without a resolver chain; `resolvers` and `permissions` serve the
compiler too.
"""
