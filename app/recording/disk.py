"""What an OSError means for recordings: a process without free file descriptors is not a full disk."""

import errno
import socket
import ssl
from dataclasses import dataclass

_TOO_MANY_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_NETWORK = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class DiskFault:
    """Why the spool cannot read or write."""

    why: str
    """Label `reason` of `vga_recording_rejections_total`."""
    reason: str
    """For the gateway, in a close frame."""
    advice: str
    """For the operator."""


def is_disk_error(error: BaseException) -> bool:
    """Whether the error comes from the spool and not from a connection: drivers raise the same types."""
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
_DISK_FULL = DiskFault("disk", "the disk of the spool is full", "Free space on the disk of this server's spool.")
_DISK = DiskFault("disk", "the spool cannot be written", "Check the disk of this server's spool.")
