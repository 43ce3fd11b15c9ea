"""What an error of the operating system means for recordings: a process without free files is not a full disk."""

import errno
import socket
import ssl
from dataclasses import dataclass

_TOO_MANY_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_NETWORK = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class DiskFault:
    """Why the spool does not take or give audio."""

    why: str
    """As `recording_refusals_total` counts it."""
    reason: str
    """For the gateway, in a close frame."""
    advice: str
    """For the operator."""


def is_disk_error(error: BaseException) -> bool:
    """Whether the spool is meant, and not a connection: drivers raise the same types."""
    is_of_network = isinstance(error, ConnectionError | TimeoutError | socket.gaierror | ssl.SSLError)
    return isinstance(error, OSError) and not is_of_network and error.errno not in (None, *_NETWORK)


def disk_fault(error: Exception) -> DiskFault:
    number = error.errno if isinstance(error, OSError) else None
    if number in _TOO_MANY_FILES:
        return _FILES
    return _DISK_FULL if number in _FULL else _DISK


_FILES = DiskFault(
    "files",
    "this server has too many open files",
    "Raise the limit of open files of this server (ulimit -n, LimitNOFILE), or lower RECORDING_STREAMS.",
)
_DISK_FULL = DiskFault("disk", "the disk of the spool is full", "Make room on the disk of this server's spool.")
_DISK = DiskFault("disk", "the spool cannot be written", "Look at the disk of this server's spool.")
