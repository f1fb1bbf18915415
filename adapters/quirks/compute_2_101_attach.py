"""To attach a volume is answered 202 and without a body since 2.101; before, 200 and the attachment."""

from adapters.quirk import Asked, Quirk, Said, Steps


def _lift(asked: Asked) -> Steps:
    (said,) = yield (asked,)
    return Said(202) if said.status == 200 else said


QUIRK = Quirk(
    service="compute",
    since=(2, 101),
    what="Attaching a volume is answered 202 without a body; an older site's attachment is left out.",
    calls=("POST /servers/{server}/os-volume_attachments",),
    lift=_lift,
)
