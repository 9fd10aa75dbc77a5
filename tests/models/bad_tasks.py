"""What hostile models would do if they could: tasks for a worker that must not survive them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np

Files = dict[str, int]


def honest(files: Files, words: list[str]) -> dict[str, object]:
    """Also shows that what is allowed works: the files that were given."""
    sizes = {path: len(os.pread(descriptor, 2**20, 0)) for path, descriptor in files.items()}
    return {"words": words, "sizes": sizes}


def own_pid(files: Files) -> int:
    return os.getpid()


def start_threads(files: Files, count: int) -> int:
    """How many could be started."""
    gate = threading.Event()
    threads = [threading.Thread(target=gate.wait) for _ in range(count)]
    started = 0
    with contextlib.suppress(RuntimeError):
        for thread in threads:
            thread.start()
            started += 1
    gate.set()
    for thread in threads[:started]:
        thread.join()
    return started


def hang(files: Files) -> None:
    while True:
        time.sleep(1)


def hang_deaf(files: Files) -> None:
    """Without ever letting go of the interpreter, and deaf to polite signals."""
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass


def allocate(files: Files) -> None:
    kept = []
    while True:
        kept.append(bytearray(2**26))


def allocate_arrays(files: Files) -> None:
    kept = []
    while True:
        kept.append(np.ones(2**24))


def fork(files: Files) -> None:
    os.fork()
    time.sleep(60)


def fork_in_libc(files: Files) -> None:
    ctypes.CDLL(None).fork()
    time.sleep(60)


def run_program(files: Files) -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def connect(files: Files, port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=5)


def fetch(files: Files, port: int) -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{port}/")


def read(files: Files, path: str) -> str:
    return Path(path).read_text()


def list_folder(files: Files, path: str) -> list[str]:
    return os.listdir(path)


def write(files: Files, path: str) -> None:
    Path(path).write_text("mine")


def remove(files: Files, path: str) -> None:
    os.remove(path)


def kill(files: Files, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def environment(files: Files) -> dict[str, str]:
    return dict(os.environ)


def die(files: Files) -> None:
    os._exit(3)


def crash(files: Files) -> None:
    ctypes.string_at(0)


def hang_up(files: Files) -> None:
    os.close(int(sys.argv[1]))
    time.sleep(60)


def send_files(files: Files) -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    content = b'{"value": 1}'
    head = len(content).to_bytes(8, "little")
    socket.send_fds(channel, [head], [os.dup(0) for _ in range(100)])
    channel.sendall(content)
    time.sleep(60)


def talk_without_end(files: Files) -> str:
    return "a" * (2**28 + 1)


def answer_nonsense(files: Files) -> None:
    os.write(int(sys.argv[1]), (10).to_bytes(8, "little") + b"no message")
    time.sleep(60)


def claim_a_huge_answer(files: Files) -> None:
    os.write(int(sys.argv[1]), (2**60).to_bytes(8, "little"))
    time.sleep(60)
