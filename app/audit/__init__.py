"""The audit trail: who changed, deleted or read what. Every domain writes to it.

    rows.py            one row by its id, within the caller's tenant scope; used by every service
    audited_update.py  the UPDATE of one row and its event, as one statement
    trail.py           any other event
    secret_reads.py    reads of secrets, batched off the request path
    conflicts.py       the errors for a missing row, and for one that has changed: by whom, when, and which fields
    setting_names.py   column -> field of the contract, when an event is read
    actor_schema.py    the type of an actor, and the field `updatedBy` of other domains' types

Start with `rows.py`.
"""
