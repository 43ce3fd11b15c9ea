"""Fixtures of storage tests that upload tests share."""

from tests.storage.conftest import keyring, scripted, storage, storages

__all__ = ["keyring", "scripted", "storage", "storages"]
