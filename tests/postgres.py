"""A real PostgreSQL for tests: a throw-away cluster on a unix socket, by the system's binaries."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

START_SECONDS = 30


def binaries() -> Path | None:
    """The folder of the newest server on this machine: Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else None


def _version(initdb: Path) -> float:
    return float(initdb.parents[1].name)


class Cluster:
    """One server process with its data, as an unprivileged user.

    It survives its own crashes; a durable one waits for the disk and would survive the system's.
    """

    def __init__(self, programs: Path, folder: Path, durable: bool) -> None:
        self.folder = folder
        self._durable = durable
        self._programs = programs
        self._account = _unprivileged()
        self._schemas = count(1)
        self._server: subprocess.Popen[bytes] | None = None
        if "user" in self._account:
            os.chown(folder, self._account["user"], self._account["group"])
        flags = ["--auth=trust", "--username=iota", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "-D", folder / "cluster", *flags],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            **self._account,
        )
        self.start()

    @property
    def address(self) -> str:
        return f"postgresql://iota@/postgres?host={self.folder}"

    @property
    def owner(self) -> tuple[int, int]:
        """The user and group that the server runs as."""
        return self._account.get("user", os.geteuid()), self._account.get("group", os.getegid())

    def schema(self, name: str | None = None) -> str:
        """The address of a new, empty schema."""
        name = name or f"journal_{next(self._schemas)}"
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self.address}&options=-csearch_path%3D{name}"

    def start(self) -> None:
        settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}"]
        settings += ["-c", f"fsync={'on' if self._durable else 'off'}"]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self.folder / "cluster", *settings],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **self._account,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends it in order; SIGQUIT crashes it, and the next start recovers."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(START_SECONDS)
            self._server = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.address, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running(programs: Path, durable: bool = False) -> Iterator[Cluster]:
    """A cluster that is gone afterwards; in a short path, as socket names are limited."""
    with tempfile.TemporaryDirectory(prefix="iota-pg-", dir="/tmp") as folder:
        cluster = Cluster(programs, Path(folder), durable)
        try:
            yield cluster
        finally:
            cluster.stop()


def _unprivileged() -> dict[str, int]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid}
