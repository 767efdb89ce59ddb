"""Holds what Flagstaff answers by OFREP to the protocol's own specification. `run` starts it with a server; see `../serve.py`."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from serve import FEATURES

URL = os.environ["FLAGSTAFF_TEST_URL"]
KEY = os.environ["FLAGSTAFF_TEST_PRODUCTION_KEY"]
BULK = "/ofrep/v1/evaluate/flags"
SINGLE = BULK + "/{key}"
USER = {"context": {"targetingKey": "user-1", "plan": "pro", "age": 42, "tags": ["a"], "none": None}}


def specification():
    document = yaml.safe_load(Path(__file__).with_name("ofrep").joinpath("openapi-0.3.0.yaml").read_text())
    # As it is written, no value fits: `codeDefaultFlag` fits whatever else fits too, and an integer is a number. What is
    # meant is a value of one of the types, or none.
    types = document["components"]["schemas"]["evaluationSuccess"]["allOf"][1]
    types["anyOf"] = types.pop("oneOf")
    document["components"]["schemas"]["codeDefaultFlag"]["not"] = {"required": ["value"]}
    return document


SPECIFICATION = specification()


def post(path, body, headers=None):
    """The status, the headers and the body of an answer."""
    headers = {"X-API-Key": KEY, "Content-Type": "application/json"} if headers is None else headers
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def checked(template, path, body, headers=None):
    """The status and the decoded answer, which is one that the specification has for this operation."""
    status, answered, text = post(path, body, headers)
    described = SPECIFICATION["paths"][template]["post"]["responses"]
    assert str(status) in described, (status, text)
    schema = described[str(status)].get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return status, text
    assert answered["Content-Type"] == "application/json"
    answer = json.loads(text)
    Draft202012Validator({**SPECIFICATION, **schema}).validate(answer)
    return status, answer


def expected(name, value, enabled):
    """What a feature of this value is, as OFREP tells it."""
    flag = {"key": name, "variant": "default"}
    if value is None:
        return flag | {"value": enabled, "reason": "STATIC"}
    if not enabled:
        return flag | {"reason": "DISABLED"}
    if isinstance(value, list):
        value = json.dumps(value, separators=(",", ":"))
    return flag | {"value": value, "reason": "STATIC"}


@pytest.mark.parametrize(("name", "value", "enabled"), FEATURES, ids=[name for name, _, _ in FEATURES])
def test_a_flag_is_answered_as_the_specification_has_it(name, value, enabled):
    status, flag = checked(SINGLE, f"{BULK}/{name}", USER)
    assert status == 200
    assert flag.pop("metadata")["type"] == "STANDARD"
    assert flag == expected(name, value, enabled)
    assert type(flag.get("value")) is type(expected(name, value, enabled).get("value"))


def test_all_flags_are_answered_as_the_specification_has_them():
    status, answer = checked(BULK, BULK, USER)
    assert status == 200
    for flag in answer["flags"]:
        flag.pop("metadata")
    flags = [expected(*feature) for feature in FEATURES]
    assert answer == {
        "flags": sorted(flags, key=lambda flag: flag["key"]),
        "metadata": {"environment": "production"},
    }


def test_what_has_not_changed_is_304_without_a_body():
    _, headers, _ = post(BULK, USER)
    known = {"X-API-Key": KEY, "If-None-Match": headers["ETag"]}
    assert checked(BULK, BULK, USER, known) == (304, b"")
    query = urllib.parse.urlencode({"flagConfigEtag": headers["ETag"], "flagConfigLastModified": 1771622898})
    assert checked(BULK, f"{BULK}?{query}", USER, known) == (304, b"")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "PARSE_ERROR"),
        (b"{", "PARSE_ERROR"),
        (b"[]", "PARSE_ERROR"),
        ({}, "INVALID_CONTEXT"),
        ({"context": []}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": 1}}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": "x" * 2001}}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": "a"} | {f"m{at}": at for at in range(101)}}, "INVALID_CONTEXT"),
        ({"context": {"plan": "pro"}}, "TARGETING_KEY_MISSING"),
        ({"context": {"targetingKey": ""}}, "TARGETING_KEY_MISSING"),
    ],
)
def test_a_bad_request_has_its_code(body, code):
    for template, path in ((SINGLE, f"{BULK}/integer"), (BULK, BULK)):
        status, answer = checked(template, path, body)
        assert (status, answer["errorCode"]) == (400, code)
        assert answer["errorDetails"]


def test_a_flag_that_is_not_there_is_404():
    status, answer = checked(SINGLE, f"{BULK}/no%20such%20flag", USER)
    assert status == 404
    assert (answer["key"], answer["errorCode"]) == ("no such flag", "FLAG_NOT_FOUND")


def test_each_header_opens_and_two_different_keys_do_not():
    for headers in (
        {"Authorization": f"Bearer {KEY}"},
        {"X-API-Key": KEY},
        {"X-Environment-Key": KEY},
        {"X-API-Key": KEY, "Authorization": f"Bearer {KEY}"},
    ):
        assert checked(BULK, BULK, USER, headers)[0] == 200
    staging = os.environ["FLAGSTAFF_TEST_STAGING_KEY"]
    for headers in ({}, {"X-API-Key": "wrong"}, {"X-API-Key": KEY, "Authorization": f"Bearer {staging}"}):
        assert checked(BULK, BULK, USER, headers)[0] == 401
        assert checked(SINGLE, f"{BULK}/integer", USER, headers)[0] == 401
