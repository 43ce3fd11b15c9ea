"""Which keys the secrets and hashes in the database were made with, so that a wrong key is detected at the start."""
