"""Runs a command against a Flagstaff server of its own, filled with one flag of every kind.

    python serve.py BINARY [SECTION__KEY=VALUE…] COMMAND [ARGUMENT…]

The server runs in a temporary directory on a free port, with the settings that are given as in
`FLAGSTAFF__SECTION__KEY`, and ends with the command. The command finds in its environment where the server is and
how to enter: FLAGSTAFF_TEST_URL, FLAGSTAFF_TEST_PRODUCTION_KEY, FLAGSTAFF_TEST_STAGING_KEY,
FLAGSTAFF_TEST_USERNAME, FLAGSTAFF_TEST_PASSWORD. `FEATURES` is what the tests expect to read.
"""

import base64
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

# Name, value, whether it is enabled. `sdk/node/server.mjs` has the same.
FEATURES = [
    ("null_value", None, True),
    ("boolean_true", True, True),
    ("boolean_false", False, True),
    ("string", "Grüße, 世界 \"quoted\" \\ back\nnew line", True),
    ("empty_string", "", True),
    ("integer", 42, True),
    ("negative_integer", -7, True),
    ("largest_integer", 2**63 - 1, True),
    ("float", 0.25, True),
    ("whole_float", 2.0, True),
    ("object", {"theme": "dark", "limits": [1, 2.5, None], "nested": {"on": True}}, True),
    ("array", [1, "two", False], True),
    ("disabled", "still has a value", False),
    ("changing", "before", False),
]

USERNAME = "admin"
SETTING = re.compile(r"[A-Z_]+__[A-Z_]+=.*")
START_SECONDS = 30
STOP_SECONDS = 10


def call(url, credentials, method, path, body=None):
    """One request to the management API; returns the decoded answer, raises on anything but success."""
    headers = {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from error
    return json.loads(text) if text else None


def prepare(url, credentials):
    """Creates the environments, a client key to each, and the features; returns the keys by environment."""
    keys = {}
    for environment in ("production", "staging"):
        call(url, credentials, "POST", "/api/admin/environments", {"name": environment})
        key = call(
            url,
            credentials,
            "POST",
            f"/api/admin/environments/{environment}/keys",
            {"name": "test", "kind": "client"},
        )
        keys[environment] = key["key"]
    for name, value, enabled in FEATURES:
        call(
            url,
            credentials,
            "POST",
            "/api/admin/features",
            {"name": name, "initial_value": value, "default_enabled": enabled},
        )
    call(
        url,
        credentials,
        "PATCH",
        "/api/admin/environments/staging/flags/string",
        {"value": "only in staging", "enabled": False},
    )
    return keys


def free_port():
    """A port of the loopback interface that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_ready(url, server):
    """Returns once the server says that it is ready; raises when it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with exit code {server.returncode}")
        try:
            with urllib.request.urlopen(url + "/health/ready", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the server was not ready within {START_SECONDS} s")


def main():
    arguments = sys.argv[1:]
    binary = Path(arguments.pop(0)).resolve() if arguments else None
    given = {}
    while arguments and SETTING.fullmatch(arguments[0]):
        name, value = arguments.pop(0).split("=", 1)
        given["FLAGSTAFF__" + name] = value
    if not arguments:
        sys.exit("usage: serve.py BINARY [SECTION__KEY=VALUE…] COMMAND [ARGUMENT…]")
    # Ends through the `finally` below when the run is cut short.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    with tempfile.TemporaryDirectory(prefix="flagstaff-test-") as directory:
        port, password = free_port(), secrets.token_hex(16)
        url, log = f"http://127.0.0.1:{port}", Path(directory, "log")
        # Settings of the caller's own server have no place here.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FLAGSTAFF__")}
        settings = {
            "FLAGSTAFF__SERVER__BIND": f"127.0.0.1:{port}",
            "FLAGSTAFF__DATABASE__URL": f"sqlite://{directory}/flagstaff.db",
            "FLAGSTAFF__ADMIN__USERNAME": USERNAME,
            "FLAGSTAFF__ADMIN__PASSWORD": password,
        }
        with log.open("wb") as output:
            server = subprocess.Popen(
                [binary, "serve"],
                cwd=directory,
                env=inherited | settings | given,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until_ready(url, server)
            keys = prepare(url, f"{USERNAME}:{password}")
            tests = {
                "FLAGSTAFF_TEST_URL": url,
                "FLAGSTAFF_TEST_PRODUCTION_KEY": keys["production"],
                "FLAGSTAFF_TEST_STAGING_KEY": keys["staging"],
                "FLAGSTAFF_TEST_USERNAME": USERNAME,
                "FLAGSTAFF_TEST_PASSWORD": password,
            }
            status = subprocess.run(arguments, env=inherited | tests, check=False).returncode
        except RuntimeError as error:
            print(f"serve.py: {error}", file=sys.stderr)
            status = 1
        finally:
            server.terminate()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
                print(f"serve.py: the server had to be killed {STOP_SECONDS} s after SIGTERM", file=sys.stderr)
                status = 1
        if status != 0:
            lines = log.read_text(errors="replace").splitlines()[-50:]
            print("the server's last lines:", *lines, sep="\n  ", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
