"""The command, started without waiting for Python and the knowledge base to be loaded.

Most of what a short command takes is its start, and the tests start hundreds. A process that has
all modules and the parsed knowledge in memory waits at a socket. For each command it forks: what
comes of that is a process of its own, which runs `python -m protocol_logic.surfaces.cli` from its
first line, with the arguments, folder, environment and files of who asked, and ends with its own
exit code. `SHIM` is what asks: a program named `protocol-logic`, for shells too.

Nothing but the start differs. tests/contracts/test_warm.py holds that against a plain start of
each command; what is about the start itself, signals or memory starts plainly.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import pkgutil
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

COMMAND = "protocol_logic.surfaces.cli"
_LENGTH = 4
_FILES = 3

SHIM = f"""\
#!{sys.executable} -IS
import os, signal, sys
from socket import AF_UNIX, send_fds, socket

server = socket(AF_UNIX)
server.connect(os.path.join(os.path.dirname(__file__), "socket"))
given = [os.getcwd(), str(len(sys.argv) - 1), *sys.argv[1:]]
given += (f"{{name}}={{value}}" for name, value in os.environ.items())
asked = os.fsencode("\\0".join(given))
send_fds(server, [len(asked).to_bytes({_LENGTH}, "big")], range({_FILES}))
server.sendall(asked)
code = int(server.recv(16) or b"1")
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


@cache
def warm_command() -> str | None:
    """The program that asks for a warm start, or None where that cannot be."""
    if not hasattr(os, "pidfd_open"):
        return None
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    atexit.register(shutil.rmtree, folder)
    shim = folder / "protocol-logic"
    shim.write_text(SHIM, encoding="utf-8")
    shim.chmod(0o700)
    server = subprocess.Popen(
        [sys.executable, "-P", __file__, folder / "socket"],
        env={**os.environ, "PYTHONUTF8": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # so that it can be ended with all that it started
    )
    assert server.stdin is not None and server.stdout is not None
    atexit.register(server.wait)
    atexit.register(server.stdin.close)
    assert server.stdout.readline() == b"ready\n"
    return str(shim)


def run_warm(
    shim: str, arguments: Sequence[str], cwd: Path | None, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """What the shim does, without the Python that it takes; output is captured."""
    asked = [str(Path(cwd or ".").absolute()), str(len(arguments)), *arguments]
    asked += (f"{name}={value}" for name, value in env.items())
    said = os.fsencode("\0".join(asked))
    (out, own_out), (err, own_err) = os.pipe(), os.pipe()
    captured: dict[int, list[bytes]] = {out: [], err: []}
    with socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as selector:
        try:
            server.connect(str(Path(shim).with_name("socket")))
            socket.send_fds(server, [len(said).to_bytes(_LENGTH, "big")], (0, own_out, own_err))
        finally:
            os.close(own_out)
            os.close(own_err)
        server.sendall(said)
        for file in captured:
            selector.register(file, selectors.EVENT_READ)
        end = time.monotonic() + timeout
        try:
            while selector.get_map():
                if not (ready := selector.select(end - time.monotonic())):
                    raise subprocess.TimeoutExpired([shim, *arguments], timeout)
                for key, _ in ready:
                    assert isinstance(key.fileobj, int)
                    if piece := os.read(key.fd, 1 << 16):
                        captured[key.fd].append(piece)
                    else:
                        selector.unregister(key.fd)
        finally:
            os.close(out)
            os.close(err)
        server.settimeout(max(end - time.monotonic(), 0.1))
        code = int(server.recv(16) or b"1")
    texts = [b"".join(captured[file]).decode().replace("\r\n", "\n") for file in (out, err)]
    return subprocess.CompletedProcess([shim, *arguments], code, *texts)


# ---- the process that waits ----------------------------------------------------------------------


def _load() -> None:
    """Have in memory what commands load, but for the command line itself, which runs each time; and
    what the first protocol of a process fills for those after it."""
    import protocol_logic

    for module in pkgutil.walk_packages(protocol_logic.__path__, "protocol_logic."):
        if not module.name.endswith(("__main__", COMMAND)):
            importlib.import_module(module.name)

    from protocol_logic.compiling.library import gather
    from protocol_logic.foundation.problems import Problems
    from protocol_logic.foundation.source import Source
    from protocol_logic.knowledge.resources import knowledge_names, protocol_path
    from protocol_logic.pipeline import compile_source, knowledge_of

    names = ", ".join(knowledge_names())
    gather(Source("all", f"knowledge all\n  title All\n  uses {names}\n"), Problems())
    path = protocol_path("anlotinib_fulvestrant")
    assert path is not None
    compile_source(Source("first", path.read_text(encoding="utf-8")), Problems())
    knowledge_of((), (), Problems())
    with suppress(ImportError):  # an extra
        import duckdb  # noqa: F401


def _serve(path: str) -> None:
    """Start commands until nobody is left to ask; returns in each process that is to run one."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    os.write(1, b"ready\n")
    waiting: dict[int, tuple[int, socket.socket]] = {}
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(0, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fd == 0:
                _end()
            elif key.fd == listener.fileno():
                connection, _ = listener.accept()
                if (process := os.fork()) == 0:
                    selector.close()
                    listener.close()
                    for ended, (_, other) in waiting.items():
                        os.close(ended)
                        other.close()
                    _become(connection)
                    return
                ended = os.pidfd_open(process)
                waiting[ended] = (process, connection)
                selector.register(ended, selectors.EVENT_READ)
            else:
                process, connection = waiting.pop(key.fd)
                selector.unregister(key.fd)
                os.close(key.fd)
                _, status = os.waitpid(process, 0)
                with connection, suppress(OSError):  # who asked may be gone
                    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _become(connection: socket.socket) -> None:
    """Take arguments, folder, environment and files from who asked."""
    length, files, _, _ = socket.recv_fds(connection, _LENGTH, _FILES)
    with connection, connection.makefile("rb") as stream:
        asked = os.fsdecode(stream.read(int.from_bytes(length, "big")))
    folder, number, *rest = asked.split("\0")
    for own, given in enumerate(files):
        os.dup2(given, own)
        os.close(given)
    os.chdir(folder)
    sys.argv[1:] = rest[: int(number)]
    os.environ.clear()
    for each in rest[int(number) :]:
        name, _, os.environ[name] = each.partition("=")
    sys.path.insert(0, folder)
    sys.stdin = _opened(0, "r", "surrogateescape")
    sys.stdout = _opened(1, "w", "surrogateescape")
    sys.stderr = _opened(2, "w", "backslashreplace")


def _opened(file: int, mode: str, errors: str) -> TextIOWrapper:
    """A standard stream as Python opens it where text is UTF-8."""
    unbuffered = mode == "w" and bool(os.environ.get("PYTHONUNBUFFERED"))
    raw = open(file, f"{mode}b", 0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    by_line = not unbuffered and (file == 2 or raw.isatty())
    return TextIOWrapper(raw, "utf-8", errors, None, by_line, unbuffered)


def _exit(stopped: SystemExit) -> None:
    """End as Python does, but leave it to the system to take the memory back."""
    if isinstance(stopped.code, int | None):
        with suppress(OSError):
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(stopped.code or 0)
    raise stopped


def _end() -> NoReturn:
    """End this process and all that it started."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    sys.exit()


if __name__ == "__main__":
    _load()
    gc.freeze()  # what is shared with the processes started here is not copied by collecting it
    _serve(sys.argv[1])
    try:
        runpy.run_module(COMMAND, run_name="__main__", alter_sys=True)
    except SystemExit as stopped:
        _exit(stopped)
