#!/usr/bin/env python3
"""Asks Glance's own property protections what they decide for a table of files, callers and property names.

Needs glance (pip install glance==33.0.0). Prints test/policy/fixtures/glance-protections.json: for each file and
caller a string with four letters for each name (create, read, update, delete): 1 allowed, 0 denied; or null for a
file that Glance refuses.
"""
import configparser
import json
import logging
import sys
import tempfile
import types
import warnings

from glance.api import policy
from glance.common import property_utils
from glance.context import RequestContext
from oslo_config import cfg

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
CONF = cfg.CONF

ALL = "create = {0}\nread = {0}\nupdate = {0}\ndelete = {0}\n"
FILES = {
    "roles": ("roles", "".join([
        "# a comment\n; another\n",
        "[^x_owner_.*]\n" + ALL.format("admin,member"),
        "[billing_code]\ncreate = admin, Biller\nread: admin,biller,\n  reader\nupdate =\ndelete = !\n",
        "[^open_]\n" + ALL.format("@"),
        "[^shut_]\n" + ALL.format("!"),
        "[(?i)^upper]\n" + ALL.format("service"),
        "[^num_[0-9]+$]\n" + ALL.format("reader, !"),
        "[\\Aab?c\\Z]\n" + ALL.format("reader"),
        "[^x_]\n" + ALL.format("@"),
        "[member_.*]\ncreate = Member\nread = MEMBER,admin\nupdate = nobody\ndelete = @, reader\n",
    ])),
    "policies": ("policies", "".join([
        "[^admin_]\n" + ALL.format("context_is_admin"),
        "[^svc_]\n" + ALL.format("service_api"),
        "[mixed]\ncreate = @\nread = default\nupdate = context_is_admin\ndelete = !\n",
        "[.*]\ncreate = context_is_admin\nread = default\nupdate = context_is_admin\ndelete = context_is_admin\n",
    ])),
    "inherited": ("roles", "[DEFAULT]\nrule_format = roles\ncreate = admin\ndelete = admin\n[^a]\nread = reader\nupdate = member\n"),
    "empty": ("roles", ""),
    "missing operation": ("roles", "[a]\ncreate = admin\nread = admin\nupdate = admin\n"),
    "both": ("roles", "[a]\n" + ALL.format("@,!")),
    "two policies": ("policies", "[a]\n" + ALL.format("default,context_is_admin")),
    "no expression": ("roles", "[a(]\n" + ALL.format("admin")),
    "no ini": ("roles", "create = admin\n"),
    "twice": ("roles", "[a]\n" + ALL.format("admin") + "[a]\n" + ALL.format("member")),
    "option twice": ("roles", "[a]\ncreate = admin\n" + ALL.format("admin")),
}
CALLERS = [
    dict(roles=["admin", "member", "reader"]),
    dict(roles=["member", "reader"]),
    dict(roles=["reader"]),
    dict(roles=["biller"]),
    dict(roles=["member"], service_roles=["service"]),
    dict(roles=["service"]),
    dict(roles=[]),
]
NAMES = ["x_owner_a", "x_other", "a_x_owner_b", "billing_code", "my_billing_code_2", "open_a", "shut_a", "UPPER", "upperCase", "num_12",
         "num_1a", "ac", "abc", "abbc", "member_x", "is_member_x", "admin_a", "svc_a", "mixed", "unmixed!", "os_glance_x", "a", "b", "",
         "ünïcode", "__proto__", "constructor", "x" * 255]


def decide(kind, text):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text)
        file.flush()
        property_utils.CONFIG = configparser.ConfigParser()
        CONF.set_override("property_protection_file", file.name)
        CONF.set_override("property_protection_rule_format", kind)
        enforcer = policy.Enforcer(suppress_deprecation_warnings=True)
        try:
            rules = property_utils.PropertyRules(enforcer)
        except Exception:
            return None
        decided = []
        for caller in CALLERS:
            letters = ""
            for name in NAMES:
                for operation in ("create", "read", "update", "delete"):
                    # Made anew for each question: Glance adds the service roles to the caller's own when it asks.
                    context = RequestContext(roles=list(caller["roles"]), service_roles=list(caller.get("service_roles", [])),
                                             project_id="p", user_id="u", policy_enforcer=enforcer, overwrite=False)
                    letters += "1" if rules.check_property_rules(name, operation, context) else "0"
            decided.append(letters)
        return decided


CONF([], project="glance")
json.dump({"callers": CALLERS, "names": NAMES,
           "files": {name: {"format": kind, "text": text, "decided": decide(kind, text)} for name, (kind, text) in FILES.items()}},
          sys.stdout, indent=1)
