"""Calls: reported by gateways (`reporting`), listed (`schema`, `filters`), watched (`live_schema`), played (`routes`).

Calls are partitioned by month of their id (`partitions`); `keys` maps a gateway's own ids to ours. Playback checks a signed
URL or the API's authentication, then streams from the bucket in `recording_locations`. Start with `model.py`, `schema.py`.
"""
