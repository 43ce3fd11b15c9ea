"""What all other ranks use. It imports none of them.

- Callers: `permissions.py`, `access.py` (permission classes, visible rows), `tokens.py`, `secret_overlap.py`,
  `revocations.py`, `networks.py`
- An operation: `context.py`, `errors.py`, `user_errors.py`, `media_types.py`, `idempotency/`, `quotas.py`,
  `concurrency_limits.py`
- Data: `identifiers.py`, `names.py`, `masks.py`, `encryption.py`, `key_checks/`, `database/`
- The process: `settings.py`, `version.py`, `logging.py`, `metrics.py`, `maintenance.py`, `periodic.py`
- Between workers: `events.py`, `event_bus.py`, `pubsub.py`, `valkey.py`
- `graphql/`: how a domain declares its types; `outbound/`: which hosts may be called

Start with `access.py`, then `graphql/fields.py`.
"""
