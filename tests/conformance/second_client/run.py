"""Runs the checks of the second clients against an endpoint, one line each.

    python run.py http://127.0.0.1:4566 --controlled --aws .venv/bin/aws
"""

import argparse
import sys

import checks  # registers them
import suite


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("--controlled", action="store_true", help="the endpoint is the local AWS, with its clock")
    parser.add_argument("--aws", help="the AWS CLI; without it its checks are left out")
    parser.add_argument("--only", help="part of a check's name")
    asked = parser.parse_args()
    outcomes = suite.run(asked.endpoint, asked.controlled, asked.only, asked.aws)
    for one, wrong in outcomes:
        line = f"{one.client}: {one.name}"
        print(f"FAIL {line}: {wrong} ({one.page})" if wrong else f"PASS {line}", flush=True)
    failed = sum(1 for _, wrong in outcomes if wrong)
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
