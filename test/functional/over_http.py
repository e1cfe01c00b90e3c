"""Turns the base class of Glance's functional tests, which calls Glance in the test's own process, into one that asks
a Vitrine over HTTP.

The tests are as the package has them. Replaced is what they stand on: starting the server, setting its options and
policies, who is calling, and the sending of a request.
"""

import http.client
import io
import os
import re
import sys
import time
from urllib.parse import urlsplit

import fixtures
import requests
import webob
import glance_store
from glance import policies
from glance.api.v2 import cached_images
from glance.image_cache import prefetcher
from glance.tests import functional, utils
from oslo_utils import timeutils

import people
import settings

rmdir, exists, now, monotonic = os.rmdir, os.path.exists, time.time, time.monotonic

# The tests wait ten seconds at most for what takes Glance's process no time: their clock goes slower.
SLOWER = 6

# What is not to be found in the cache: Glance's is filled only when a test reads what it downloads, and these do not.
PAST_THE_CACHE = {"test_download_image_raises_service_unavailable"}

IDENTITY = {"x-identity-status", "x-user-id", "x-tenant-id", "x-project-id", "x-roles", "x-auth-token"}
# Hop by hop, or made anew by webob.
OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding"}


class Servers:
    """Vitrines that the runner starts and stops."""

    def __init__(self, url):
        self.url = url

    def ask(self, what, **body):
        answer = requests.post(f"{self.url}/{what}", json=body)
        if not answer.ok:
            raise RuntimeError(answer.text)
        return answer.json()


def rules_of(test):
    """The policy rules that a test has put in place of the defaults, as text."""
    enforcer = getattr(test, "policy", None)
    rules = {name: str(rule) for name, rule in (getattr(enforcer, "rules", None) or {}).items()}
    if not rules or enforcer.use_conf:
        return rules
    # the defaults are gone: what has no rule follows the one called default, and is denied without one
    return {**{rule.name: rules.get("default", "!") for rule in policies.list_rules()}, **rules}


def replace(control, keystone):
    """Changes glance.tests.functional.SynchronousAPIBase and what it is made of."""
    began, ticked = now(), monotonic()
    time.time = lambda: began + (now() - began) / SLOWER
    timeutils.now = lambda: ticked + (monotonic() - ticked) / SLOWER
    servers = Servers(control)
    cast = people.People(keystone)
    running = []
    base = functional.SynchronousAPIBase
    before = utils.BaseTestCase.config

    def set_up(self, single_store=False, bypass_headers=False):
        self.vitrine = None
        self.downloaded = set()
        running.append(self)
        self.with_cache = False
        utils.BaseTestCase.setUp(self)
        cached_images.WORKER = Worker()
        self.options = settings.Options(self.test_dir)
        self.bypass_headers = bypass_headers
        if single_store:
            # where Glance has one store, it has the http store beside it
            self.options.stores = {"store1": "file", "web": "http"}
        self.setup_property_protection_files()
        for name, value in {**vars(sys.modules[type(self).__module__]), "TENANT": self.TENANT}.items():
            if name.startswith("TENANT") and isinstance(value, str):
                cast.project(value)
        self.addCleanup(stop, self)
        self.useFixture(fixtures.MonkeyPatch("os.rmdir", lambda path, **more: remove(self, path, **more)))
        self.useFixture(fixtures.MonkeyPatch("os.path.exists", lambda path: there(self, path)))

    def remove(self, path, **more):
        """A store without its folder makes itself one: it has really failed when there can't be any."""
        if path in [os.path.join(self.test_dir, name) for name in self.options.stores]:
            os.rename(path, f"{path} is gone")
            open(path, "w").close()
        else:
            rmdir(path, **more)

    def there(self, path):
        """Whether a file is there. Files of Glance's cache are named by their images, of which Vitrine's API tells."""
        if not isinstance(path, str) or os.path.dirname(path) != os.path.join(self.test_dir, "cache"):
            return exists(path)
        image = os.path.basename(path)
        for _ in range(600):
            cached = self.api_get("/v2/cache", headers=self._admin_headers()).json["cached_images"]
            found = image in [one["image_id"] for one in cached]
            # the file is complete a moment after its last byte was sent
            if found or image not in self.downloaded:
                return found
            time.sleep(0.1)
        return False

    def stop(self):
        if self.vitrine:
            servers.ask("stop", id=self.vitrine["id"])

    def config(self, **options):
        if not hasattr(self, "options"):
            return before(self, **options)
        self.options.configure(**options)

    def start_server(self, enable_cache=True, set_worker_url=True, use_fake_auth=False, run_staging_cleaner=False,
                     enable_cors=False, enable_version_negotiation=False):
        self.with_cache = (enable_cache or enable_version_negotiation) and not use_fake_auth and not enable_cors
        if self._testMethodName in PAST_THE_CACHE:
            self.with_cache = False
        self.options.set.pop("VITRINE_CACHE_DIR", None)
        if self.with_cache:
            self.options.set["VITRINE_CACHE_DIR"] = os.path.join(self.test_dir, "vitrine-cache")
        if hasattr(self, "disable_file"):
            # as the configuration of Glance's tests names it
            self.options.set["VITRINE_HEALTHCHECK_DISABLE_FILE"] = self.disable_file
        if enable_cors:
            self.options.set["VITRINE_CORS_ORIGINS"] = "http://valid.example.com"
        run(self)

    def run(self):
        """Starts the server, or again when its settings or policies are no longer those that the test wants."""
        rules = {name: cast.there(rule) for name, rule in rules_of(self).items()}
        wanted = {"settings": self.options.environment(), "rules": rules}
        if self.vitrine and self.vitrine["wanted"] == wanted:
            return
        answer = servers.ask("start", folder=self.test_dir, id=self.vitrine and self.vitrine["id"], **wanted)
        self.vitrine = {"id": answer["id"], "url": answer["url"], "wanted": wanted}

    def call(self, request):
        run(self)
        # a file is sent as it is read, in chunks
        source = request.environ["wsgi.input"]
        body = source.getvalue() if isinstance(source, io.BytesIO) else iter(source)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in IDENTITY}
        token = identity(request.headers)
        if token:
            headers["X-Auth-Token"] = token
        if isinstance(body, bytes) and "octet-stream" not in (request.content_type or ""):
            for member in re.findall(rb'"member": "([^"]+)"', body):
                cast.project(member.decode())  # who has not asked for anything yet
            body = cast.there(body.decode()).encode()
        headers.pop("Content-Length", None)
        # a client does not name HTTP's own port
        headers["Host"] = request.host.removesuffix(":80")
        answer, content = send(self, request.method, cast.there(request.path_qs), body, headers)
        note(self, request, answer.status)
        pairs = [(name, cast.back(value)) for name, value in answer.getheaders() if name.lower() not in OF_THE_CONNECTION]
        if "json" in (answer.getheader("content-type") or "") and not answer.getheader("content-encoding"):
            content = cast.back(content.decode()).encode()
            pairs = [(name, str(len(content)) if name.lower() == "content-length" else value) for name, value in pairs]
        response = webob.Response(status=f"{answer.status} {answer.reason}", headerlist=pairs)
        response.content_length = None
        if request.method != "HEAD":
            response.app_iter = [content]
        response.headerlist = pairs
        response.request = request
        return response

    def note(self, request, status):
        """Keeps which images were downloaded whole, and are still there."""
        image = re.fullmatch(r"/v2/images/([^/]+)(/file)?", request.path)
        if image and request.method == "GET" and status == 200 and image[2]:
            self.downloaded.add(image[1])
        if image and request.method == "DELETE":
            self.downloaded.discard(image[1])

    def send(self, method, path, body, headers):
        place = urlsplit(self.vitrine["url"])
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=120)
        try:
            try:
                connection.request(method, path, body=body or None, headers=headers)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all was sent: there is an answer
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status == 503 and b"Keystone does not answer" in content and isinstance(body, bytes):
            # this machine is slow, and nothing was done
            time.sleep(1)
            return send(self, method, path, body, headers)
        return answer, content

    class Prefetcher:
        """What fills Glance's cache in the tests' own process. Vitrine has begun already: this waits for its end."""

        def run(self):
            test = running[-1]
            for _ in range(600):
                if not test.api_get("/v2/cache", headers=test._admin_headers()).json["queued_images"]:
                    return
                time.sleep(0.1)
            test.fail("The cache is not filled.")

    prefetcher.Prefetcher = Prefetcher

    class Worker:
        """What fills Glance's cache one by one, for tests that hold it back. Vitrine begins in any case."""

        def submit(self, *what):
            raise RuntimeError("Nothing in this process fills a cache.")

        def terminate(self):
            pass

    def identity(headers):
        claimed = headers.get("X-Auth-Token") or ""
        if claimed.count(":") == 2:
            user, project, roles = claimed.split(":")
        else:
            user, project, roles = headers.get("X-User-Id"), headers.get("X-Project-Id") or headers.get("X-Tenant-Id"), headers.get("X-Roles")
        if not project or not roles:
            return None
        return cast.token(project, user, [role.strip() for role in roles.split(",") if role.strip()])

    base.setup_database = base.setup_stores = base.setup_single_store = base.setup_simple_paste = lambda self: None
    for name in ("register_store_opts", "create_multi_stores", "verify_store"):
        setattr(glance_store, name, lambda *args, **more: None)
    base.setUp = set_up
    base.tearDown = lambda self: super(base, self).tearDown()
    base.start_server = start_server
    base._call_api = call
    utils.BaseTestCase.config = config
