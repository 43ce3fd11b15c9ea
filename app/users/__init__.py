"""People: users, their passwords and their sessions.

    schema.py, service.py              create, update, deactivate, delete; passwords
    session_schema.py, sessions.py     login, logout, sessions
    login_throttle.py, uniqueness.py   limits on guessing passwords, and on learning which names and addresses exist
    password.py, policy.py             hashing; the password policy (policy_schema.py)
    credential_check.py                whether the caller's credential is still valid, for changes that must not race

Start with `sessions.py`.
"""
