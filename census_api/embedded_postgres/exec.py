"""The small program between us and Postgres: it ties Postgres' life to ours and gives up root.

Run by path in a bare interpreter (`python -I -S exec.py MODE PARENT SIGNAL ACCOUNT PROGRAM [ARG ...]`), so it
needs the standard library alone and starts in milliseconds. ACCOUNT is `uid:gid`, or `-` to stay who we are.

- `exec` (Linux) becomes PROGRAM; the kernel sends it SIGNAL when the thread that started it ends, however it ends.
- `watch` (elsewhere) runs PROGRAM and sends it SIGNAL when our standard input closes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def main(arguments: list[str]) -> None:
    """Becomes, or runs, the program; exits with a sentence on standard error when it may not."""
    mode, parent, signal_number, account, *command = arguments
    if account != "-":
        uid, gid = (int(part) for part in account.split(":"))
        try:
            _become(uid, gid)
        except (OSError, AttributeError) as problem:
            sys.exit(f"FATAL:  root may not hand over to another user here ({problem})")
    if mode == "exec":
        _end_with_parent(int(parent), int(signal_number))
        os.execv(command[0], command)
    else:
        _watch(int(signal_number), command)


def _become(uid: int, gid: int) -> None:
    """Postgres refuses to run as root. The account it gets keeps one privilege of root, passing through closed folders,
    because the programs and the data may lie under a home that only root may enter and that must stay so."""
    libc = ctypes.CDLL(None, use_errno=True)
    # without this access(2) ignores the privilege, and Postgres cannot find its own programs
    _checked(libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    bit = 1 << _CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    _checked(libc.capset(header, effective_permitted_inheritable))
    _checked(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0))


def _end_with_parent(parent: int, signal_number: int) -> None:
    # after the change of user, which clears it
    _checked(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0))
    if os.getppid() != parent:
        sys.exit("FATAL:  the process that started this one has ended")


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _watch(signal_number: int, command: list[str]) -> None:
    # descriptors stay open: one of them is the lock that Postgres holds for life
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    threading.Thread(target=lambda: os._exit(child.wait() & 0xFF), daemon=True).start()
    while os.read(0, 1):
        pass
    child.send_signal(signal_number)
    sys.exit(child.wait() & 0xFF)


if __name__ == "__main__":
    main(sys.argv[1:])
