"""The limits of an operation, in the order in which they apply.

`document_size` (before validation), `cost` (before execution), `slots` (concurrent operations of a caller), `deadline`.
"""
