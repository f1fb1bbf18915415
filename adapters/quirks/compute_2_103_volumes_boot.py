"""``/os-volumes_boot``, an old second name of ``/servers``, is gone since 2.103."""

from adapters.quirk import Asked, Quirk, Steps, refused


def _lift(asked: Asked) -> Steps:
    return refused(404, "The resource could not be found.")
    yield ()


QUIRK = Quirk(
    service="compute",
    since=(2, 103),
    what="os-volumes_boot is gone; it is refused for an older site, which has it.",
    calls=("* /os-volumes_boot/**",),
    lift=_lift,
)
