"""The version of this program, from the metadata of the installed package."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("voice-gateway-accounts")
except PackageNotFoundError:  # a copy of the folder that was never installed
    VERSION = "unknown"
