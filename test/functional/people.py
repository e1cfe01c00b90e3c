"""Real projects, users and roles of a Keystone for the identities that Glance's tests only claim to have.

The tests name their projects by ids of their own. Keystone chooses ids itself, so each project of a test stands for
one of Keystone's, and `there` and `back` change the one id for the other in what is sent and what is received.
"""

import re
import uuid

import requests


class People:
    def __init__(self, keystone):
        """keystone: URL that ends in /v3, with the user, password and project 'admin'."""
        self.keystone = keystone
        self.session = requests.Session()
        self.session.headers["X-Auth-Token"] = self._log_in("admin", "admin", {"name": "admin", "domain": {"id": "default"}})
        self.roles = {role["name"].lower(): role["id"] for role in self._ask("GET", "/roles")["roles"]}
        self.projects = {}
        self.users = {}
        self.tokens = {}

    def _ask(self, method, path, body=None):
        answer = self.session.request(method, self.keystone + path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _log_in(self, name, password, project):
        user = {"name": name, "password": password, "domain": {"id": "default"}}
        auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}
        answer = requests.post(f"{self.keystone}/auth/tokens?nocatalog", json={"auth": auth})
        answer.raise_for_status()
        return answer.headers["X-Subject-Token"]

    def project(self, name):
        """Keystone's id of the project that a test calls by this name or id."""
        if name not in self.projects:
            body = {"project": {"name": f"project {uuid.uuid4().hex}", "domain_id": "default"}}
            self.projects[name] = self._ask("POST", "/projects", body)["project"]["id"]
        return self.projects[name]

    def _role(self, name):
        if name.lower() not in self.roles:
            self.roles[name.lower()] = self._ask("POST", "/roles", {"role": {"name": name}})["role"]["id"]
        return self.roles[name.lower()]

    def token(self, project, user, roles):
        """A token of this user in this project with exactly these roles and those that they imply."""
        key = (project, user, tuple(sorted(roles)))
        if key not in self.tokens:
            id, name = self.project(project), f"user {uuid.uuid4().hex}"
            body = {"user": {"name": name, "password": name, "domain_id": "default"}}
            theirs = self._ask("POST", "/users", body)["user"]["id"]
            self.users[theirs] = user
            for role in roles:
                self._ask("PUT", f"/projects/{id}/users/{theirs}/roles/{self._role(role)}")
            self.tokens[key] = self._log_in(name, name, {"id": id})
        return self.tokens[key]

    def there(self, text):
        """Text of a test as Keystone and the server know it. Ids that are words count only where they stand alone."""
        for name, id in self.projects.items():
            if name in text:
                text = text.replace(name, id) if len(name) >= 32 else re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", id, text)
        return text

    def back(self, text):
        """Text of the server as the test knows it."""
        for id, name in [*((id, name) for name, id in self.projects.items()), *self.users.items()]:
            text = text.replace(id, name)
        return text
