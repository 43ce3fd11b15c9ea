"""Detects a wrong encryption or hash key at start-up: the database stores a check hash of each key."""
