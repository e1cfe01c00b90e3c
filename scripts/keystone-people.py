"""Puts the people of keystone-people.json into a bootstrapped Keystone, through its API, without a server.

Their passwords are their names. Run by get-keystone with OS_KEYSTONE_CONFIG_DIR and OS_KEYSTONE_CONFIG_FILES set.
"""
import json
import pathlib
import sys

from werkzeug.test import Client

people = json.loads(pathlib.Path(__file__).with_suffix(".json").read_text())
sys.argv = ["keystone"]  # Keystone reads the command line when it is imported
from keystone.wsgi.api import application  # noqa: E402

client = Client(application)
headers = {}


def ask(method, path, body=None):
    answer = client.open("/v3" + path, method=method, json=body, headers=headers)
    if answer.status_code >= 300:
        sys.exit(f"{method} {path}: {answer.status} {answer.text}")
    return answer


default = {"id": "default"}
answer = ask("POST", "/auth/tokens", {"auth": {
    "identity": {"methods": ["password"],
                 "password": {"user": {"name": "admin", "domain": default, "password": "admin"}}},
    "scope": {"project": {"name": "admin", "domain": default}}}})
headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
ids = {("domain", "default"): "default"}


def make(kind, name, **more):
    if (kind, name) not in ids:
        found = ask("GET", f"/{kind}s?name={name}").json[f"{kind}s"]
        thing = found[0] if found else ask("POST", f"/{kind}s", {kind: {"name": name, **more}}).json[kind]
        ids[kind, name] = thing["id"]
    return ids[kind, name]


for name, person in people.items():
    domain = make("domain", person["domain"])
    project = make("project", person["project"], domain_id=domain)
    user = make("user", name, password=name, domain_id=domain)
    for role in person["roles"]:
        ask("PUT", f"/projects/{project}/users/{user}/roles/{make('role', role)}")
    for group in person["groups"]:
        ask("PUT", f"/groups/{make('group', group, domain_id=domain)}/users/{user}")
