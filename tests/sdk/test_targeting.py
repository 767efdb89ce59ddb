"""Each user gets the same answer by Flagsmith's Python SDK, evaluated remotely, and by OpenFeature's with the OFREP provider
as Flagsmith's engine gives it. `run` starts it with a server that `targeting.py` has filled."""

import json
import os
from pathlib import Path

from flagsmith import Flagsmith
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

URL = os.environ["FLAGSTAFF_TEST_URL"]
TABLE = json.loads(Path(os.environ["FLAGSTAFF_TEST_TABLE"]).read_text())


def typed(value):
    return type(value), value


def test_evaluated_remotely_by_flagsmiths_sdk():
    for kind in ("client", "server"):
        flagsmith = Flagsmith(environment_key=TABLE["keys"][kind], api_url=f"{URL}/api/v1/")
        for user in TABLE["users"]:
            flags = flagsmith.get_identity_flags(user["identifier"], user["traits"]).all_flags()
            answers = {flag.feature_name: [flag.enabled, flag.value] for flag in flags}
            assert answers == user["flags"], user["identifier"]


def test_evaluated_by_openfeature():
    provider = OFREPProvider(URL, headers_factory=lambda: {"Authorization": f"Bearer {TABLE['keys']['client']}"})
    api.set_provider(provider)
    client = api.get_client()
    readers = {
        bool: client.get_boolean_details,
        int: client.get_integer_details,
        float: client.get_float_details,
        str: client.get_string_details,
        dict: client.get_object_details,
    }
    for user in TABLE["users"]:
        context = EvaluationContext(user["identifier"], user["traits"])
        for feature, (enabled, value) in user["flags"].items():
            if value is None:
                details = client.get_boolean_details(feature, not enabled, context)
                assert (details.value, details.error_code) == (enabled, None), (user["identifier"], feature)
            elif isinstance(value, str) and value[:1] in ("{", "["):
                continue  # Flagsmith's SDKs read structures as text; `test_openfeature_python.py` reads them
            elif enabled:
                details = readers[type(value)](feature, type(value)(), context)
                assert typed(details.value) == typed(value), (user["identifier"], feature)
                assert details.error_code is None
            else:
                default = type(value)()
                details = readers[type(value)](feature, default, context)
                assert (details.value, details.reason) == (default, "DISABLED"), (user["identifier"], feature)
