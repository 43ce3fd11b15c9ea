"""The limits of an operation, in the order in which they apply.

`document_size` (before validation), `cost` (before execution), `deadline` (begins before the wait for a slot), `slots`
(concurrent operations of a caller).
"""
