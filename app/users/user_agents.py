"""Names the browser and system of a User-Agent header: `Firefox on Linux`."""

# Order matters: browsers also name the browsers they are compatible with.
_PROGRAMS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device(user_agent: str) -> str:
    """The browser and system; for other programs the product name of the header."""
    program = next((name for marker, name in _PROGRAMS if marker in user_agent), "")
    system = next((name for marker, name in _SYSTEMS if marker in user_agent), "")
    if not program:
        return user_agent.partition("/")[0].strip()[:40] or "Unknown device"
    return f"{program} on {system}" if system else program
