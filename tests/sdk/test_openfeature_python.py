"""Reads flags through OpenFeature's Python SDK and its OFREP provider. `run` starts it with a server; see `../serve.py`."""

import json
import os

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from serve import FEATURES, call

URL = os.environ["FLAGSTAFF_TEST_URL"]
KEY = os.environ["FLAGSTAFF_TEST_PRODUCTION_KEY"]
CREDENTIALS = f"{os.environ['FLAGSTAFF_TEST_USERNAME']}:{os.environ['FLAGSTAFF_TEST_PASSWORD']}"
USER = EvaluationContext("user-1", {"plan": "pro"})


def client(key=KEY, **headers):
    headers = headers or {"Authorization": f"Bearer {key}"}
    api.set_provider(OFREPProvider(URL, headers_factory=lambda: headers))
    return api.get_client()


def details(name, like, context=USER, **options):
    """The flag, read as what `like` is, with another value as the code's own default."""
    flags = client(**options)
    if isinstance(like, bool):
        return flags.get_boolean_details(name, not like, context)
    if isinstance(like, int):
        return flags.get_integer_details(name, like + 1, context)
    if isinstance(like, float):
        return flags.get_float_details(name, like + 1, context)
    if isinstance(like, str):
        return flags.get_string_details(name, like + "?", context)
    return flags.get_object_details(name, {"default": True}, context)


def wanted(value, enabled):
    """What application code reads: a switch where there is no value, an array's JSON text."""
    if value is None:
        return enabled
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"))
    return value


ENABLED = [(name, wanted(value, True)) for name, value, enabled in FEATURES if enabled]


@pytest.mark.parametrize(("name", "value"), ENABLED, ids=[name for name, _ in ENABLED])
def test_a_flag_arrives_with_its_type(name, value):
    flag = details(name, value)
    assert (type(flag.value), flag.value) == (type(value), value)
    assert (flag.reason, flag.variant, flag.error_code) == (Reason.STATIC, "default", None)
    assert flag.flag_metadata["type"] == "STANDARD"


@pytest.mark.parametrize("header", ["X-API-Key", "X-Environment-Key"])
def test_the_key_may_come_in_other_headers(header):
    flag = client(**{header: KEY}).get_integer_details("integer", 0, USER)
    assert (flag.value, flag.error_code) == (42, None)


def test_a_flag_with_a_value_that_is_off_is_the_codes_own_default():
    flag = client().get_string_details("disabled", "the code's own", USER)
    assert (flag.value, flag.reason) == ("the code's own", Reason.DISABLED)


def test_a_switch_that_is_off_is_false_and_not_the_codes_own_default():
    path = "/api/admin/environments/production/flags/null_value"
    try:
        call(URL, CREDENTIALS, "PATCH", path, {"enabled": False})
        flag = client().get_boolean_details("null_value", True, USER)
        assert (flag.value, flag.reason) == (False, Reason.STATIC)
    finally:
        call(URL, CREDENTIALS, "PATCH", path, {"enabled": True})


def test_the_read_after_a_write_sees_it():
    flags = client()
    path = "/api/admin/environments/production/flags/changing"
    try:
        for value in ("one", "two"):
            call(URL, CREDENTIALS, "PATCH", path, {"value": value, "enabled": True})
            assert flags.get_string_value("changing", "default", USER) == value
    finally:
        call(URL, CREDENTIALS, "PATCH", path, {"value": "before", "enabled": False})


def test_errors_are_openfeatures_own():
    for flag, code in (
        (details("no such flag", True), ErrorCode.FLAG_NOT_FOUND),
        (details("integer", "text"), ErrorCode.TYPE_MISMATCH),
        (details("integer", 1, EvaluationContext(attributes={"plan": "pro"})), ErrorCode.TARGETING_KEY_MISSING),
        (details("integer", 1, EvaluationContext("x" * 2001)), ErrorCode.INVALID_CONTEXT),
        (details("integer", 1, key="0" * 32), ErrorCode.GENERAL),
    ):
        assert (flag.error_code, flag.reason) == (code, Reason.ERROR)
