"""Whether a folder lies on a network share, where SQLite's write-ahead log is unsafe."""

import os
import sys
from pathlib import Path

NETWORK_TYPES = frozenset(
    (
        "9p",
        "afpfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs3",
        "nfs4",
        "smb3",
        "smbfs",
        "vboxsf",
        "webdav",
        "fuse.ceph",
        "fuse.davfs2",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
    )
)

_DRIVE_REMOTE = 4  # of GetDriveTypeW


def is_on_network_share(folder: Path) -> bool:
    """Tell whether the folder lies on another computer, as far as the system says."""
    if sys.platform == "win32":
        import ctypes

        path = os.path.abspath(folder)
        root = os.path.splitdrive(path)[0] + "\\"
        return (
            path.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(root) == _DRIVE_REMOTE
        )
    if sys.platform.startswith("linux"):
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
        return file_system_type(folder, mounts) in NETWORK_TYPES
    import psutil

    mounts = "\n".join(
        f"{part.device} {part.mountpoint} {part.fstype}"
        for part in psutil.disk_partitions(all=True)
    )
    return file_system_type(folder, mounts) in NETWORK_TYPES


def file_system_type(folder: Path, mounts: str) -> str:
    """Return the type of the file system that holds a folder, or an empty string.

    Args:
        folder: Any folder.
        mounts: Lines of device, mount point and type, as in `/proc/self/mounts`.
    """
    path = os.path.realpath(folder)
    best, best_type = "", ""
    for line in mounts.splitlines():
        parts = line.split(" ")
        if len(parts) < 3:
            continue
        point = _unescape(parts[1])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # a later mount on the same point hides the first
            best, best_type = point, parts[2]
    return best_type


def _unescape(point: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point
