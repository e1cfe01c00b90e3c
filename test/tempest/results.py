"""Reads a subunit stream from standard input and prints a line of JSON for each test: id, status, reason, details."""
import json
import sys

import subunit
import testtools


def tell(test):
    details = {name: content.as_text() for name, content in test["details"].items() if content.content_type.type == "text"}
    print(json.dumps({
        "id": test["id"],
        "status": test["status"],
        "reason": details.pop("reason", ""),
        "details": "\n".join(details.values()),
    }))


result = testtools.StreamToDict(tell)
result.startTestRun()
subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name="output").run(result)
result.stopTestRun()
