"""What is told of objects that are not as they should be."""

from reconciler.core.objects.desired import DesiredObject, Origin
from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import ObjectKey
from reconciler.pipeline.explanation import discreet


def test_others_may_repeat_what_was_decrypted_and_we_do_not() -> None:
    keys = [ObjectKey("example.com", "Login", "web", name) for name in ("a", "b", "c")]
    body = {"spec": {"password": "hunter2-a", "user": "me"}}
    objects = [DesiredObject(key, "v1", body, Origin("a.yaml", 1)) for key in keys]
    objects[0] = objects[0].veiled_at([("spec", "password")])
    health = {key: Health(Status.FAILED, "me: 'hunter2-a' is too short") for key in keys[:2]}

    told = discreet(health, objects)

    assert told[keys[0]] == Health(Status.FAILED, "me: '***' is too short")
    assert told[keys[1]] == health[keys[1]]
    assert told.keys() == health.keys()
