"""Glance's options, as its tests set them, in the words of Vitrine's settings."""

from urllib.parse import quote


def _comma(values):
    return ",".join(str(value) for value in values)


def _flag(value):
    return "true" if value else "false"


# (group, option): (setting, text of its value)
SAME = {
    (None, "show_multiple_locations"): ("VITRINE_SHOW_MULTIPLE_LOCATIONS", _flag),
    (None, "show_image_direct_url"): ("VITRINE_SHOW_IMAGE_DIRECT_URL", _flag),
    (None, "do_secure_hash"): ("VITRINE_DO_SECURE_HASH", _flag),
    (None, "image_size_cap"): ("VITRINE_MAX_IMAGE_SIZE", str),
    (None, "image_cache_max_size"): ("VITRINE_CACHE_MAX_SIZE", str),
    (None, "enabled_import_methods"): ("VITRINE_IMPORT_METHODS", _comma),
    (None, "property_protection_file"): ("VITRINE_PROPERTY_PROTECTION_FILE", str),
    ("import_filtering_opts", "allowed_schemes"): ("VITRINE_IMPORT_ALLOWED_SCHEMES", _comma),
    ("import_filtering_opts", "disallowed_schemes"): ("VITRINE_IMPORT_DISALLOWED_SCHEMES", _comma),
    ("import_filtering_opts", "allowed_hosts"): ("VITRINE_IMPORT_ALLOWED_HOSTS", _comma),
    ("import_filtering_opts", "disallowed_hosts"): ("VITRINE_IMPORT_DISALLOWED_HOSTS", _comma),
    ("import_filtering_opts", "allowed_ports"): ("VITRINE_IMPORT_ALLOWED_PORTS", _comma),
    ("import_filtering_opts", "disallowed_ports"): ("VITRINE_IMPORT_DISALLOWED_PORTS", _comma),
    (None, "image_tag_quota"): ("VITRINE_IMAGE_TAG_QUOTA", str),
    (None, "image_property_quota"): ("VITRINE_IMAGE_PROPERTY_QUOTA", str),
    (None, "image_member_quota"): ("VITRINE_IMAGE_MEMBER_QUOTA", str),
    (None, "image_location_quota"): ("VITRINE_IMAGE_LOCATION_QUOTA", str),
    ("image_conversion", "output_format"): ("VITRINE_IMPORT_CONVERT_TO", str),
}

# What has no bearing on the answers, or is said in another way.
WITHOUT_MEANING = {
    (None, "worker_self_reference_url"),  # any process finds what another has staged
    (None, "image_cache_driver"),
    (None, "image_cache_dir"),
    (None, "property_protection_rule_format"),  # seen from the file
    (None, "use_keystone_limits"),
    (None, "node_staging_uri"),
    (None, "debug"),
    (None, "delayed_delete"),  # as it is by default
    ("database", "connection"),
    (None, "policy_file"),
    ("image_import_opts", "max_parallel_stores"),
    ("oslo_policy", "enforce_new_defaults"),
    ("oslo_policy", "policy_file"),
    ("oslo_limit", "endpoint_id"),
    ("taskflow_executor", "engine_mode"),
}


class NoSuchSetting(Exception):
    """A test sets an option of Glance that Vitrine does not have."""


class Options:
    """The options of one test."""

    def __init__(self, folder):
        self.folder = folder
        self.set = {}
        self.stores = {name: "file" for name in ("store1", "store2", "store3")}
        self.weights = {}

    def configure(self, group=None, **options):
        for name, value in options.items():
            key = (group, name)
            if name == "enabled_backends":
                self.stores = dict(value)
            elif name == "weight":
                self.weights[group] = value
            elif key == ("image_import_opts", "image_import_plugins"):
                self.set["VITRINE_IMPORT_DECOMPRESS"] = _flag("image_decompression" in value)
            elif key in SAME:
                setting, text = SAME[key]
                self.set[setting] = text(value)
            elif key not in WITHOUT_MEANING and name not in ("filesystem_store_datadir", "default_backend", "default_store"):
                raise NoSuchSetting(f"[{group or 'DEFAULT'}] {name} = {value}")

    def limit(self, limits):
        """Limits of each project as Keystone would tell them, in MiB and images."""
        for name in ("image_size_total", "image_stage_total", "image_count_total", "image_count_uploading"):
            self.set[f"VITRINE_LIMIT_{name.upper()}"] = str(limits.get(name, 0))

    def environment(self):
        stores, more = [], dict(self.set)
        # where Glance's tests let imports reach loopback by its name, Vitrine wants its addresses named
        if {"127.0.0.1", "localhost"} & set(more.get("VITRINE_IMPORT_ALLOWED_HOSTS", "").split(",")):
            more["VITRINE_IMPORT_ALLOWED_ADDRESSES"] = "127.0.0.0/8"
        # an http store keeps nothing: one is enough, and what is uploaded needs another
        web = [name for name, kind in self.stores.items() if kind == "http"][:1]
        files = [name for name, kind in self.stores.items() if kind == "file"] or ["files"]
        for name in web + files:
            kind = "http" if name in web else "file"
            weight = f"?weight={self.weights[name]}" if name in self.weights else ""
            place = f"file:{quote(self.folder)}/{name}" if kind == "file" else f"{kind}:"
            stores.append(f"{name}={place}{weight}")
        return {"VITRINE_STORES": ",".join(stores), "VITRINE_DEFAULT_STORE": files[0], **more}
