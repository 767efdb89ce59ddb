"""Fills the server with features that depend on the user, and tells what 200 users get of them.

    python targeting.py TABLE

`run` starts it with a server. TABLE becomes a JSON file: the client key, the server key, and for each user the identifier,
the traits and, by feature, whether it is enabled and its value. Flagsmith's own engine, which the Python SDK brings,
works that out from the environment document; what is plain is held to `EXPECTED` besides.
"""

import json
import os
import random
import sys
from pathlib import Path

from flagsmith import Flagsmith

from serve import call

URL = os.environ["FLAGSTAFF_TEST_URL"]
CREDENTIALS = f"{os.environ['FLAGSTAFF_TEST_USERNAME']}:{os.environ['FLAGSTAFF_TEST_PASSWORD']}"
PLACE = "/api/admin/environments/production"

# One segment for each of Flagsmith's operators, and a feature `op_…` that it switches on: property, operator, value.
CONDITIONS = {
    "equal": ("plan", "EQUAL", "pro"),
    "equal_boolean": ("beta", "EQUAL", "true"),
    "equal_number": ("age", "EQUAL", "30"),
    "equal_version": ("version", "EQUAL", "2.0.0:semver"),
    "not_equal": ("plan", "NOT_EQUAL", "pro"),
    "greater_than": ("age", "GREATER_THAN", "30"),
    "greater_than_inclusive": ("score", "GREATER_THAN_INCLUSIVE", "0.5"),
    "less_than": ("version", "LESS_THAN", "2.0.0:semver"),
    "less_than_inclusive": ("age", "LESS_THAN_INCLUSIVE", "30"),
    "contains": ("email", "CONTAINS", "@example.com"),
    "not_contains": ("email", "NOT_CONTAINS", "@example.com"),
    "regex": ("email", "REGEX", r"user-\d*7@"),
    "in": ("country", "IN", "de,at"),
    "in_identifiers": ("$.identity.identifier", "IN", "user-1,user-2,user-3"),
    "modulo": ("age", "MODULO", "2|0"),
    "percentage_split": ("", "PERCENTAGE_SPLIT", "40"),
    # As a path: Flagsmith's engine for Node.js finds no plain trait here.
    "percentage_split_by_trait": ("$.identity.traits.email", "PERCENTAGE_SPLIT", "50"),
    "is_set": ("beta", "IS_SET", ""),
    "is_not_set": ("beta", "IS_NOT_SET", ""),
}

# What is to be seen without an engine: of a user of these traits.
EXPECTED = {
    "op_equal": lambda user: user.get("plan") == "pro",
    "op_equal_boolean": lambda user: user.get("beta") is True,
    "op_equal_number": lambda user: user["age"] == 30,
    "op_greater_than": lambda user: user["age"] > 30,
    "op_greater_than_inclusive": lambda user: user["score"] >= 0.5,
    "op_contains": lambda user: "@example.com" in user["email"],
    "op_in": lambda user: user["country"] in ("de", "at"),
    "op_modulo": lambda user: user["age"] % 2 == 0,
    "op_is_set": lambda user: "beta" in user,
}


def rules(*conditions, kind="ALL"):
    fields = ("property", "operator", "value")
    return [{"type": kind, "conditions": [dict(zip(fields, one)) for one in conditions], "rules": []}]


def create(path, body):
    return call(URL, CREDENTIALS, "POST", path, body)


def override(feature, **body):
    create(f"{PLACE}/flags/{feature}/overrides", {"enabled": True} | body)


def fill():
    """Creates the features, segments and overrides; returns a server key."""
    variants = [{"key": "red", "value": "RED"}, {"key": "green", "value": "GREEN"}, {"key": "none", "value": None}]
    create("/api/admin/features", {"name": "experiment", "initial_value": "control", "default_enabled": True, "variants": variants})
    weights = [{"variant": "red", "weight": 20}, {"variant": "green", "weight": 30.5}, {"variant": "none", "weight": 10}]
    call(URL, CREDENTIALS, "PATCH", f"{PLACE}/flags/experiment", {"variants": weights})
    for name, value, enabled in (
        ("theme", "light", True),
        ("limit", 10, True),
        ("rate", 0.5, False),
        ("gradual", None, False),
        ("killed", None, True),
    ):
        create("/api/admin/features", {"name": name, "initial_value": value, "default_enabled": enabled})
    create("/api/admin/segments", {"name": "paying", "rules": rules(("plan", "IN", "pro,team"))})
    create("/api/admin/segments", {"name": "adults", "rules": rules(("age", "GREATER_THAN_INCLUSIVE", "18"))})
    either = rules(("country", "EQUAL", "de"), ("beta", "EQUAL", "true"), kind="ANY")
    neither = rules(("plan", "EQUAL", "free"), kind="NONE")
    create("/api/admin/segments", {"name": "chosen", "rules": either + neither})
    for name, condition in CONDITIONS.items():
        create("/api/admin/segments", {"name": f"by {name}", "rules": rules(condition)})
        create("/api/admin/features", {"name": f"op_{name}", "default_enabled": False})
        override(f"op_{name}", segment=f"by {name}")
    override("theme", segment="paying", value="dark")
    override("theme", segment="chosen", value="gold", priority=0)
    override("theme", identity="user-7", value="mono")
    override("limit", segment="adults", value=1000)
    override("limit", segment="paying", value=None, enabled=False)
    override("rate", segment="chosen", value=1.0)
    override("gradual", segment="adults", rollout=25)
    override("experiment", segment="paying", variants=[{"variant": "green", "weight": 50}], value="paid control")
    override("killed", segment="adults")
    override("killed", identity="user-3")
    call(URL, CREDENTIALS, "PATCH", f"{PLACE}/flags/killed", {"killed": True})
    return create(f"{PLACE}/keys", {"name": "targeting", "kind": "server"})["key"]


def users():
    """200 users, the same in every run."""
    chance = random.Random(7)
    for number in range(200):
        traits = {
            "age": chance.randint(10, 50),
            # Never whole: JavaScript sends 1.0 as the integer 1, which no engine compares with 0.5.
            "score": chance.choice([0.125, 0.25, 0.5, 0.75, 1.25]),
            "country": chance.choice(["de", "at", "ch", "fr"]),
            "email": f"user-{number}@example.{chance.choice(['com', 'org'])}",
            "version": chance.choice(["1.9.9", "2.0.0", "2.10.0", "10.0.0-beta"]),
        }
        if (plan := chance.choice(["free", "pro", "team", None])) is not None:
            traits["plan"] = plan
        if (beta := chance.choice([True, False, None])) is not None:
            traits["beta"] = beta
        yield f"user-{number}", traits


def answers(flags):
    return {flag.feature_name: [flag.enabled, flag.value] for flag in flags.all_flags()}


def main(table):
    key = fill()
    local = Flagsmith(
        environment_key=key,
        enable_local_evaluation=True,
        api_url=f"{URL}/api/v1/",
        environment_refresh_interval_seconds=60,
    )
    told = []
    for identifier, traits in users():
        flags = answers(local.get_identity_flags(identifier, traits))
        for feature, holds in EXPECTED.items():
            assert flags[feature][0] is holds(traits), (identifier, traits, feature)
        assert flags["killed"][0] is False
        told.append({"identifier": identifier, "traits": traits, "flags": flags})
    for feature in told[0]["flags"]:
        kinds = {json.dumps(user["flags"][feature]) for user in told}
        targeted = feature.startswith("op_") or feature in ("experiment", "theme", "limit", "rate", "gradual")
        assert (len(kinds) > 1) == targeted, (feature, kinds)
    assert next(user for user in told if user["identifier"] == "user-7")["flags"]["theme"] == [True, "mono"]
    keys = {"client": os.environ["FLAGSTAFF_TEST_PRODUCTION_KEY"], "server": key}
    Path(table).write_text(json.dumps({"keys": keys, "users": told}))
    print(f"{len(told)} users, {len(told[0]['flags'])} features each")
    os._exit(0)  # the SDK's own thread would keep the process


if __name__ == "__main__":
    main(sys.argv[1])
