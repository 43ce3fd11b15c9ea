"""The reference executor: graphql-core's, with permissions decided once per selection and with limited work.

Only for callers who own accounts are permissions decided per row. `reference` executes; `direct_fields` reads declared fields
without a resolver chain; `resolvers` and `permissions` serve the compiler too.
"""
