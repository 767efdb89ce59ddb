"""A real server whose database goes away: locked by another process, its disk full, its file moved, its pages damaged.

    python3 tests/outages.py BINARY

Whatever happens to the database, flags are read; a change is refused within 2 seconds with Retry-After and leaves nothing;
readiness says what is wrong; and when it is over, changes work again without a restart. Needs nothing but Python and, for
the full disk, `unshare` and the right to mount a tmpfs in a namespace of its own; where that is missing it says so.
"""

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

BASIC = "Basic " + base64.b64encode(b"admin:correct horse battery").decode()
# Promised to a refused change, and what a busy machine gets on top.
REFUSED_WITHIN = 2.0 + 1.0
# How long anything else may take before it has failed.
DEADLINE = 30.0
TMPFS = 'mount -t tmpfs -o size=4m,mode=700 none "$1" && shift && exec "$@"'


class Server:
    """A server with its database in `folder`, which may lie in a mount namespace of its own."""

    def __init__(self, binary, folder, wrapper=()):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [*wrapper, binary, "serve"],
            env=environment(f"{folder}/flagstaff.db", self.port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.log,
        )
        # As this process sees the folder, whatever is mounted on it there.
        self.folder = Path(f"/proc/{self.process.pid}/root{folder}") if wrapper else Path(folder)

    def __enter__(self):
        try:
            wait_until(lambda: self.answers() or self.process.poll() is not None, "the server starts")
            check(self.process.poll() is None, f"the server did not start: {self.logged()}")
            self.manage("POST", "/environments", {"name": "production"})
            self.manage("POST", "/features", {"name": "before"})
            key = self.manage("POST", "/environments/production/keys", {"name": "web", "kind": "client"})
        except BaseException:
            self.process.kill()
            raise
        self.key = key["key"]
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        panics = [line for line in self.logged().splitlines() if "panicked" in line]
        check(not panics, f"nothing panics: {panics}")

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def answers(self):
        with contextlib.suppress(OSError):
            return self.call("GET", "/health/live")[0] == 200

    def call(self, method, path, body=None, headers=None):
        """Status, headers and decoded body of one request."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as response:
                return response.status, response.headers, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, json.loads(error.read() or b"null")

    def manage(self, method, path, body=None):
        status, _, answer = self.call(method, "/api/admin" + path, body, {"Authorization": BASIC})
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer

    def create(self, name, description=""):
        started = time.monotonic()
        body = {"name": name, "description": description}
        status, headers, answer = self.call("POST", "/api/admin/features", body, {"Authorization": BASIC})
        return status, headers, answer, time.monotonic() - started

    def flags(self):
        status, _, flags = self.call("GET", "/api/v1/flags/", headers={"X-Environment-Key": self.key})
        check(status == 200, f"flags are read: {status}")
        return [flag["feature"]["name"] for flag in flags]

    def readiness(self):
        status, _, report = self.call("GET", "/health/ready")
        check(status == 200, f"flags can be served, so the instance is ready: {status} {report}")
        return report


def environment(file, port):
    """The variables of a server with this database, and with nothing of whoever runs this."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("FLAGSTAFF")}
    return variables | {
        "FLAGSTAFF__SERVER__BIND": f"127.0.0.1:{port}",
        "FLAGSTAFF__ADMIN__PASSWORD": "correct horse battery",
        "FLAGSTAFF__DATABASE__URL": f"sqlite://{file}",
    }


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def wait_until(holds, what):
    end = time.monotonic() + DEADLINE
    while not holds():
        check(time.monotonic() < end, f"in vain: {what}")
        time.sleep(0.05)


def refuses(server, name, description=""):
    """A change is refused as an outage, and in time."""
    status, headers, answer, took = server.create(name, description)
    check((status, answer.get("code")) == (503, "unavailable"), f"a change is refused: {status} {answer}")
    check(headers["Retry-After"], "the refusal says when to come back")
    check(took < REFUSED_WITHIN, f"the refusal takes {took:.1f} s")


def away(server, detail):
    """What has to hold while changes cannot be stored."""
    before = server.flags()
    refuses(server, "refused", "x" * 2_000)
    check(server.flags() == before, "flags are read as before")
    wait_until(lambda: server.readiness()["status"] == "degraded", "readiness notices")
    report = server.readiness()
    parts = [report[part].get("detail", "") for part in ("writes", "database")]
    check(any(detail in part for part in parts), f"readiness says what is wrong: {report}")


def back(server):
    """What has to hold once they can be stored again."""
    wait_until(lambda: server.readiness()["status"] == "ready", "readiness notices the end")
    names = [feature["name"] for feature in server.manage("GET", "/features?limit=1000")]
    check("refused" not in names, "what was refused was not stored")
    check(server.create("after")[0] == 201, "changes are stored again")
    check("after" in server.flags(), "and served")


def locked(binary, folder):
    with Server(binary, folder) as server:
        other = sqlite3.connect(server.folder / "flagstaff.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        away(server, "lock")
        other.execute("ROLLBACK")
        other.close()
        back(server)


def moved(binary, folder):
    with Server(binary, folder) as server:
        file = server.folder / "flagstaff.db"
        file.rename(server.folder / "elsewhere.db")
        away(server, "where it was")
        (server.folder / "elsewhere.db").rename(file)
        back(server)


def full(binary, folder):
    wrapper = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", TMPFS, "sh", folder)
    try:
        allowed = subprocess.run([*wrapper, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return f"not run: {error}"
    if allowed.returncode != 0:
        return f"not run, no file system may be mounted here: {allowed.stderr.strip()}"
    with Server(binary, folder, wrapper) as server:
        filler = server.folder / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
        # The log of writes may have some room left.
        for at in range(1_000):
            if server.create(f"room{at}", "x" * 2_000)[0] == 503:
                break
        away(server, "full")
        filler.unlink()
        back(server)
    return None


def damaged(binary, folder):
    with Server(binary, folder):
        pass
    file = Path(folder) / "flagstaff.db"
    sound = file.read_bytes()
    for what, bytes_ in [
        ("empty", b""),
        ("no database", b"not a database at all" * 500),
        ("a broken header", b"\0" * 100 + sound[100:]),
        ("cut off", sound[: len(sound) // 2]),
        ("cut off within a page", sound[:-100]),
        ("a broken page", sound[:4096] + b"\xff" * 4096 + sound[8192:]),
    ]:
        for path in Path(folder).iterdir():
            path.unlink()
        file.write_bytes(bytes_)
        ran = subprocess.run(
            [binary, "serve"], env=environment(file, 0), capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        check(ran.returncode != 0, f"{what}: the server starts")
        check("backup" in ran.stderr and "panicked" not in ran.stderr, f"{what}: {ran.stderr}")
        check(file.read_bytes() == bytes_, f"{what}: the file is left as it was")


def main():
    binary = str(Path(sys.argv[1]).resolve())
    for scenario in (locked, moved, full, damaged):
        folder = tempfile.mkdtemp(prefix="flagstaff-")
        try:
            excuse = scenario(binary, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(f"{scenario.__name__}: {excuse or 'ok'}", flush=True)


if __name__ == "__main__":
    main()
