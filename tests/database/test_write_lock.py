"""One writer at a time, threads and processes alike; nobody waits for ever."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from provider.database.write_lock import WriteLock

HOLD = """
import sys
from pathlib import Path
from provider.database.write_lock import WriteLock
WriteLock(Path(sys.argv[1]), 5).acquire()
print("mine", flush=True)
sys.stdin.read()
"""


def test_another_process_is_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    """F-3: a bounded wait. And what a killed process held is free."""
    file = tmp_path / "signet.db-lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        assert holder.stdout.readline() == b"mine\n"
        impatient = WriteLock(file, 0.05)
        with pytest.raises(PoolTimeout):
            impatient.acquire()
        impatient.close()
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    patient = WriteLock(file, 5)
    patient.acquire()
    patient.release()
    patient.close()


def test_threads_take_turns(tmp_path: Path) -> None:
    lock = WriteLock(tmp_path / "signet.db-lock", 30)
    inside: list[int] = []
    most: list[int] = []

    def write() -> None:
        for _ in range(50):
            lock.acquire()
            inside.append(1)
            most.append(len(inside))
            inside.pop()
            lock.release()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lock.close()
    assert most == [1] * 200


def test_after_a_wait_in_vain_the_lock_can_be_had(tmp_path: Path) -> None:
    lock, other = (WriteLock(tmp_path / "signet.db-lock", 0.05) for _ in range(2))
    other.acquire()
    with pytest.raises(PoolTimeout):
        lock.acquire()
    other.release()
    lock.acquire()
    lock.release()
    lock.close()
    other.close()


def test_its_file_is_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "signet.db-lock"
    lock = WriteLock(file, 1)
    lock.acquire()
    lock.release()
    lock.close()
    assert file.stat().st_mode & 0o777 == 0o600
