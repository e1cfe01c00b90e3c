"""What a program does with openstacksdk's image proxy: create with bytes, find, list, change, share, download, delete.

Arguments: keyword arguments of openstack.connect as JSON, a file to upload. Prints nothing and exits 0 when all is well.
"""

import hashlib
import io
import json
import sys
import warnings

warnings.simplefilter("ignore")
import openstack  # noqa: E402

cloud = openstack.connect(**json.loads(sys.argv[1]))
path = sys.argv[2]
with open(path, "rb") as source:
    data = source.read()

formats = {"disk_format": "raw", "container_format": "bare", "validate_checksum": True}
made = cloud.create_image("from-sdk", filename=path, wait=True, timeout=60, os_distro="debian", **formats)
assert made.status == "active", made
assert made.size == len(data)
assert made.checksum == hashlib.md5(data).hexdigest()
assert made.hash_value == hashlib.sha512(data).hexdigest()
assert made.properties.get("os_distro", getattr(made, "os_distro", None)) == "debian"

again = cloud.create_image("from-sdk", filename=path, wait=True, **formats)
assert again.id == made.id, "the same bytes under the same name are not sent again"

into = io.BytesIO()
cloud.download_image("from-sdk", output_file=into)
assert into.getvalue() == data

image = cloud.image
assert image.find_image("from-sdk").id == made.id
assert image.find_image("no such image") is None
assert [one.id for one in image.images(name="from-sdk")] == [made.id]
assert len(list(image.images(limit=1))) >= 1, "pages are followed"
changed = image.update_image(made.id, name="renamed", min_ram=512, visibility="shared")
assert (changed.name, changed.min_ram) == ("renamed", 512)
image.add_tag(made.id, "blue")
assert "blue" in image.get_image(made.id).tags
image.remove_tag(made.id, "blue")
image.deactivate_image(made.id)
assert image.get_image(made.id).status == "deactivated"
image.reactivate_image(made.id)
member = image.add_member(made.id, member_id="another-project")
assert member.status == "pending"
assert [one.member_id for one in image.members(made.id)] == ["another-project"]
image.remove_member(member, image=made.id)
queued = image.create_image("chunked", disk_format="raw", container_format="bare", data=io.BytesIO(data))
assert image.get_image(queued.id).size == len(data)
assert image.get_image_schema() if hasattr(image, "get_image_schema") else image.get_images_schema()
for one in (made.id, queued.id):
    image.delete_image(one)
assert list(image.images(name="renamed")) == []
