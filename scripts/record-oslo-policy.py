#!/usr/bin/env python3
"""Asks the real oslo.policy, and Glance's own rules, what they decide for a table of rules, callers and targets.

Needs oslo.policy, oslo.context and glance (pip install glance==33.0.0). Prints test/policy/fixtures/oslo-policy.json:
for each rule a string with one letter for each caller and target (targets vary fastest): 1 allowed, 0 denied,
E an exception.
"""
import itertools
import json
import logging
import sys
import warnings

from oslo_config import cfg
from oslo_context import context
from oslo_policy import policy

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

CALLERS = [
    dict(user_id="u1", project_id="p1", user_domain_id="d1", project_domain_id="d1", roles=["member", "reader"]),
    dict(user_id="u2", project_id="p2", user_domain_id="d2", project_domain_id="d2", roles=["reader"], groups=["g1", "g2"]),
    dict(user_id="u3", project_id="p1", user_domain_id="d1", project_domain_id="d1", roles=["Member"]),
    dict(user_id="a", project_id="admin", user_domain_id="d1", project_domain_id="d1", roles=["admin", "member", "reader"], is_admin=True),
    dict(user_id="s", project_id="service", roles=["service"]),
    dict(user_id="u1", project_id="p1", roles=["member", "reader"], service_roles=["service", "Nova"],
         service=dict(user_id="s", user_domain_id="default", project_id="service", project_domain_id="default")),
    dict(user_id="sys", system_scope="all", roles=["admin", "member", "reader"]),
    dict(user_id="dom", domain_id="d1", user_domain_id="d1", roles=["admin", "member", "reader"]),
    dict(user_id="unscoped", roles=[]),
    dict(user_id="odd", project_id="None", roles=["o'dd", "two words", "ro:le", "x%y"]),
]

TARGETS = [
    {},
    dict(project_id="p1", owner="p1", member_id=None, visibility="private", image_id="i1", user_id="u1", name="member"),
    dict(project_id="p1", owner="p1", member_id="p2", visibility="shared", image_id="i2", protected=True, min_ram=5),
    dict(project_id="p2", owner="p2", member_id=None, visibility="public", protected=False, min_ram=0, name="Reader"),
    dict(project_id="p2", owner="p2", member_id=None, visibility="community", size=None, tags=["a", "b's"]),
    dict(project_id=None, owner=None, member_id=None, visibility="private", domain="d1", extra={"k": [1, None, "x"]}),
    dict(project_id="p1", owner="p2", visibility="private", text="it's 100% \"odd\"\\\n", name="", group="g2"),
]

RULES = [
    "", "@", "!", " ", "()", "(@)", "((@))", "( @ )", "(!)", "not @", "not !", "NOT !", "not not @", "not (not !)", "not not not @",
    "@ and !", "@ or !", "! or @", "@ AND @", "! Or !", "@ @", "@ and", "and @", "or", "not", "(@", "@)", "(@ or !", ")(", "@ and or @",
    "! and ! or @", "@ or ! and !", "@ or @ and !", "(@ or @) and !", "not ! and !", "not (! and !)", "not @ or @", "not (@ or @)",
    "! or ! or @ and @ and !", "@ and @ or ! and !", "@ or (! and !) and !", "! or (@ or !) and @", "@ and not !", "@ and not @ or @",
    "! or not ! and not @", "! or not @ and @ or role:member",
    "role:member", "role:Member", "role:MEMBER", "role:", "role:admin or role:service", "role:%(name)s", "role:%(missing)s",
    "role:ro:le", "role:o'dd", "role:x%%y", "role:x%y", "role:two words", "not role:admin", "role:admin and not role:member",
    "rule:yes", "rule:no", "rule:members", "not rule:no", "rule:unknown", "rule:loop", "rule:", "(rule:members or role:service)",
    "rule:members and project_id:%(project_id)s", "RULE:yes", "ROLE:member",
    "project_id:%(project_id)s", "project_id:%(owner)s", "project_id:%(member_id)s", "project_id:p1", "project_id:None", "project_id:%(missing)s",
    "project_id:%(owner)s%(owner)s", "project_id:%%", "project_id:", ":p1", "project_id:%(owner)", "project_id:%s", "project_id:%(owner)d",
    "project_id:p%(min_ram)s", "project_id:%", "user_id:%(user_id)s", "user_id:u1", "user_id:U1", "user_domain_id:%(domain)s",
    "project_domain_id:d1", "domain_id:%(domain)s", "domain_id:None", "domain_id:%(owner)s", "system_scope:all", "system:all", "system:None",
    "not system:all", "roles:member", "roles:Member", "roles:%(name)s", "roles:two", "groups:%(group)s", "groups:g1", "groups:",
    "is_admin:True", "is_admin:False", "is_admin:true", "is_admin_project:True", "is_admin_project:False", "service_roles:service",
    "service_roles:nova", "service_user_id:s", "service_user_id:None", "service_user_domain_id:default", "service_project_id:service",
    "service_project_domain_id:default", "tenant:%(owner)s", "token.project.id:p1", "user_id.x:u1",
    "'public':%(visibility)s", '"public":%(visibility)s', "'shared':%(visibility)s or 'community':%(visibility)s", "'public':%(missing)s",
    "'it':it", "'member':'member'", "('member':'member')", "'a:b':%(name)s", "'':%(name)s", "'it\\'s 100% \"odd\"\\\\\\n':%(text)s",
    "'x\\q':x", "True:%(protected)s", "False:%(protected)s", "true:%(protected)s", "None:%(size)s", "None:%(owner)s", "None:None",
    "5:%(min_ram)s", "0:%(min_ram)s", "05:%(min_ram)s", "-5:-5", "5.0:5.0", "5.50:5.5", "1e3:1000.0", "\"['a',\":x", "1a:x",
    "'p1':%(project_id)s and 'private':%(visibility)s", "project_id:%(tags)s", "'x':%(extra)s", "%(visibility)s:public", "visibility:public",
    "'(x)':(x)", "'(x':(x", "'x)':x)", "(project_id:%(owner)s)", "((project_id:%(owner)s and role:member) or role:admin)",
    "justaword", "a:b:c", "'None':%(owner)s", "'True':%(protected)s",
    "role:member and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s)",
    "role:reader\n  and\tproject_id:%(owner)s",
    [], [[]], [""], [[], []], ["@"], ["!"], [["@", "!"]], [["@"], ["!"]], ["!", ["@", "@"]], [["role:member", "project_id:%(owner)s"], ["role:admin"]],
    ["role:admin", "project_id:%(owner)s"], [["role:member and role:reader"]], [["rule:members"], "'public':%(visibility)s"], [[""]],
]

NAMED = {"default": "@", "yes": "@", "no": "!", "members": "role:member", "loop": "rule:loop2", "loop2": "not rule:loop"}


def credentials(caller):
    service = {f"service_{k}": v for k, v in caller.get("service", {}).items()}
    plain = {k: v for k, v in caller.items() if k not in ("groups", "service", "is_admin")}
    values = dict(context.RequestContext(**plain, **service, overwrite=False).to_policy_values()._data)
    values["roles"] = [role.lower() for role in values["roles"]]  # as Glance's context filter does
    return {**values, "groups": caller.get("groups", []), "is_admin": caller.get("is_admin", False)}


def enforcer():
    conf = cfg.ConfigOpts()
    conf([], project="glance")
    made = policy.Enforcer(conf, policy_file="there-is-none.yaml", default_rule="default")
    conf.set_override("enforce_new_defaults", True, "oslo_policy")
    made.suppress_deprecation_warnings = True
    return made


def ask(made, name):
    letters = []
    for caller, target in itertools.product(CALLERS, TARGETS):
        try:
            letters.append("1" if made.enforce(name, target, credentials(caller)) else "0")
        except Exception:
            letters.append("E")
    return "".join(letters)


def decide(rule):
    made = enforcer()
    try:
        for name, text in NAMED.items():
            made.register_default(policy.RuleDefault(name, text))
        made.register_default(policy.RuleDefault("asked", rule))
        made.load_rules()
    except Exception:
        return "E"
    return ask(made, "asked")


def glance_rules():
    from glance import policies

    made = enforcer()
    made.register_defaults(policies.list_rules())
    return {rule.name: ask(made, rule.name) for rule in policies.list_rules()}


table = [{"rule": rule, "decided": decide(rule)} for rule in RULES]
json.dump({"named": NAMED, "callers": CALLERS, "targets": TARGETS, "rules": table, "glance": glance_rules()}, sys.stdout, indent=1)
