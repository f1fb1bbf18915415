"""A Cinder driver without a disk: Cinder's own fake driver, which also takes and gives images.

Cinder's fake inherits copying to and from images from LVM, where it fails for want of a device.
"""

# mypy: ignore-errors
# (runs inside a site, against packages that are not installed here)

import io

from cinder.tests.fake_driver import FakeLoggingVolumeDriver


class LabVolumeDriver(FakeLoggingVolumeDriver):
    def copy_image_to_volume(self, context, volume, image_service, image_id, *args, **kwargs):
        """The bytes go nowhere; the volume remembers the image's metadata all the same."""

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        content = f"volume {volume['id']}".encode().ljust(64 * 1024, b"\0")
        image_service.update(context, image_meta["id"], {}, io.BytesIO(content))
