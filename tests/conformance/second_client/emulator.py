"""Runs boto3's checks against ministack as well, and holds every difference to its explanation.

    python emulator.py http://127.0.0.1:4566 --ministack .venv/bin/ministack

`differences.json` names each check whose outcome differs, with which of the two follows AWS's page and why. A
difference without an explanation fails, and so does an explanation of a difference that is not there any more. An
emulator alone only proves that its authors agree with themselves; two that were written apart prove a little more.
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import checks  # noqa: F401  registers them
import suite

EXPLAINED = pathlib.Path(__file__).with_name("differences.json")
START_SECONDS_MAX = 60


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def start(program, port, folder):
    """The emulator on the loopback, with its authentication and authorization switched on."""
    settings = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "HOME": folder,
        "TMPDIR": folder,
        "PATH": os.environ.get("PATH", ""),
    }
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([program], env=settings, cwd=folder, **quiet)
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2):
                return server
        except OSError:
            time.sleep(0.2)
    server.kill()
    raise SystemExit("the emulator did not start")


def compare(ours, theirs, explained):
    """Prints each difference; gives back how many are not explained, or explained in vain."""
    wrong = 0
    for name, (one, other) in sorted((name, (ours[name], theirs[name])) for name in ours):
        why = explained.get(name)
        if bool(one) == bool(other):
            if why:
                wrong += 1
                print(f"FAIL {name}: explained, but the two agree")
            continue
        side = f"ours: {one}" if one else f"ministack: {other}"
        if why:
            print(f"PASS {name}: differs as explained ({why['follows']} follows AWS: {why['reason']})")
        else:
            wrong += 1
            print(f"FAIL {name}: differs without an explanation; {side}")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("--ministack", required=True)
    asked = parser.parse_args()
    ours = {one.name: wrong for one, wrong in suite.run(asked.endpoint, controlled=False)}
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = start(asked.ministack, port, folder)
        try:
            answers = suite.run(f"http://127.0.0.1:{port}", controlled=False)
        finally:
            server.terminate()
            server.wait(timeout=20)
    theirs = {one.name: wrong for one, wrong in answers}
    wrong = compare(ours, theirs, json.loads(EXPLAINED.read_text()))
    passed = [sum(1 for outcome in side.values() if not outcome) for side in (ours, theirs)]
    print(f"{len(ours)} checks: ours passes {passed[0]}, ministack {passed[1]}; {wrong} differences not explained")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
