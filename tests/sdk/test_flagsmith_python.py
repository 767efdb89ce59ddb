"""Reads flags through Flagsmith's own Python SDK. `run` starts it with a server; see `../serve.py`."""

import json
import os

import pytest
from flagsmith import Flagsmith
from flagsmith.exceptions import FlagsmithAPIError, FlagsmithFeatureDoesNotExistError
from flagsmith.models import DefaultFlag

from serve import FEATURES, call

URL = os.environ["FLAGSTAFF_TEST_URL"]
PRODUCTION_KEY = os.environ["FLAGSTAFF_TEST_PRODUCTION_KEY"]
STAGING_KEY = os.environ["FLAGSTAFF_TEST_STAGING_KEY"]
CREDENTIALS = f"{os.environ['FLAGSTAFF_TEST_USERNAME']}:{os.environ['FLAGSTAFF_TEST_PASSWORD']}"
UNKNOWN_KEY = "0" * 32


def client(key=PRODUCTION_KEY, **options):
    return Flagsmith(environment_key=key, api_url=f"{URL}/api/v1/", request_timeout_seconds=5, **options)


def test_all_flags_arrive_ordered_by_name():
    flags = client().get_environment_flags().all_flags()
    assert [flag.feature_name for flag in flags] == sorted(name for name, _, _ in FEATURES)
    assert len({flag.feature_id for flag in flags}) == len(FEATURES)
    assert not any(flag.is_default for flag in flags)


def test_the_url_works_without_its_last_slash():
    flagsmith = Flagsmith(environment_key=PRODUCTION_KEY, api_url=f"{URL}/api/v1")
    assert len(flagsmith.get_environment_flags().all_flags()) == len(FEATURES)


@pytest.mark.parametrize(("name", "value", "enabled"), FEATURES, ids=[name for name, _, _ in FEATURES])
def test_a_flag_arrives_with_its_type_and_state(name, value, enabled):
    flag = client().get_environment_flags().get_flag(name)
    assert flag.enabled is enabled
    if isinstance(value, (dict, list)):
        assert isinstance(flag.value, str)
        assert json.loads(flag.value) == value
    else:
        # `True == 1 == 1.0`, so the type is compared too.
        assert (type(flag.value), flag.value) == (type(value), value)


def test_a_disabled_flag_keeps_its_value():
    flags = client().get_environment_flags()
    assert flags.is_feature_enabled("disabled") is False
    assert flags.get_feature_value("disabled") == "still has a value"


def test_a_key_reads_its_own_environment():
    staging = client(STAGING_KEY).get_environment_flags().get_flag("string")
    production = client().get_environment_flags().get_flag("string")
    assert (staging.value, staging.enabled) == ("only in staging", False)
    assert (production.value, production.enabled) == (dict((n, v) for n, v, _ in FEATURES)["string"], True)


def test_the_read_after_a_write_sees_it():
    flagsmith = client()
    path = "/api/admin/environments/production/flags/changing"
    try:
        for change in ({"value": 1, "enabled": True}, {"value": None, "enabled": False}, {"value": "two", "enabled": True}):
            call(URL, CREDENTIALS, "PATCH", path, change)
            flag = flagsmith.get_environment_flags().get_flag("changing")
            assert (flag.value, flag.enabled) == (change["value"], change["enabled"])
    finally:
        call(URL, CREDENTIALS, "PATCH", path, {"value": "before", "enabled": False})


def test_a_feature_that_does_not_exist_is_the_sdks_own_error():
    with pytest.raises(FlagsmithFeatureDoesNotExistError):
        client().get_environment_flags().get_flag("no_such_feature")


@pytest.mark.parametrize("key", [UNKNOWN_KEY, "not a key", PRODUCTION_KEY.lower() + "x"])
def test_a_bad_key_is_the_sdks_own_error(key):
    with pytest.raises(FlagsmithAPIError) as raised:
        client(key).get_environment_flags()
    assert raised.value.__cause__.response.status_code == 401


def test_with_a_bad_key_the_default_flag_handler_answers():
    flagsmith = client(UNKNOWN_KEY, default_flag_handler=lambda name: DefaultFlag(enabled=False, value=f"default of {name}"))
    flags = flagsmith.get_environment_flags()
    assert flags.all_flags() == []
    flag = flags.get_flag("boolean_true")
    assert (flag.is_default, flag.enabled, flag.value) == (True, False, "default of boolean_true")
