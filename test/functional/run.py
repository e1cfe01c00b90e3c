"""Runs tests of glance.tests.functional against a Vitrine: arguments are the runner's URL and Keystone's, standard
input names the tests; for each it prints a line of JSON with id, status, seconds and details. With no arguments it
prints the names of all tests.
"""

import importlib
import json
import os
import pathlib
import pkgutil
import sys
import time
import unittest
import warnings

warnings.simplefilter("ignore")
import glance.tests.functional  # noqa: E402


def modules():
    for found in pkgutil.walk_packages(glance.tests.functional.__path__, "glance.tests.functional."):
        if found.name.rsplit(".", 1)[1].startswith("test_"):
            yield found.name


def flat(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flat(item)
        else:
            yield item


class Lines(unittest.TestResult):
    def startTest(self, test):
        self.began = time.monotonic()
        self.told = False

    def tell(self, test, status, details=""):
        if not self.told:
            self.told = True
            seconds = round(time.monotonic() - self.began, 1)
            print(json.dumps({"id": test.id(), "status": status, "seconds": seconds, "details": details}), file=out, flush=True)

    def addSuccess(self, test, details=None):
        self.tell(test, "success")

    def addSkip(self, test, reason=None, details=None):
        self.tell(test, "skip", reason or "".join(content.as_text() for content in (details or {}).values()))

    def addError(self, test, err=None, details=None):
        self.tell(test, "fail", text(err, details))

    addFailure = addError

    def addUnexpectedSuccess(self, test, details=None):
        self.tell(test, "success")

    def addExpectedFailure(self, test, err=None, details=None):
        self.tell(test, "success")


def text(err, details):
    if details:
        return "\n".join(content.as_text() for name, content in details.items() if "traceback" in name or "reason" in name)
    return self_format(err)


def self_format(err):
    import traceback
    return "".join(traceback.format_exception(*err))


out = sys.stdout
# what tests print is no result
sys.stdout = sys.stderr
# the base class copies files from a path relative to the package's root
os.chdir(pathlib.Path(glance.tests.functional.__file__).parents[3])
loader = unittest.TestLoader()
if len(sys.argv) == 1:
    for name in modules():
        for test in flat(loader.loadTestsFromModule(importlib.import_module(name))):
            print(test.id(), file=out)
else:
    import over_http

    over_http.replace(*sys.argv[1:3])
    for line in sys.stdin:
        name = line.strip()
        module, cls, method = name.rsplit(".", 2)
        cls = getattr(importlib.import_module(module), cls)
        if hasattr(cls, "set_limit"):
            # the tests put them into what stands for Glance's client of Keystone
            cls.set_limit = lambda test, limits: test.options.limit(limits)
        cls(method).run(Lines())
